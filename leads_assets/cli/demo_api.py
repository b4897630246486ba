"""`leads-assets demo-api`: the bundled demo API by itself."""

import argparse
from datetime import datetime
from urllib.error import HTTPError

from leads_assets.cli.arguments import PORTS, UsageError, add_leads_option, whole
from leads_assets.cli.render import Ended
from leads_assets.demo.server.api import serve
from leads_assets.demo.server.client import DemoControl
from leads_assets.demo.server.faults import KINDS, Fault, parse_fault
from leads_assets.engine.instants import READABLE, format_instant, parse_instant


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "demo-api",
        help="run the bundled demo API",
        description="Serve a deterministic demo account on loopback until interrupted: eighteen months that end now.",
        epilog="faults: " + "; ".join(f"{kind}: {sentence}" for kind, sentence in KINDS.items()),
    )
    parser.add_argument("--port", type=whole(*PORTS), default=0, help="port on loopback; 0 takes a free one (default)")
    add_leads_option(parser)
    parser.add_argument("--seed", type=int, default=1, help="seed of the data (default 1)")
    parser.add_argument("--key", default="demo-key", help="the key to expect (default demo-key)")
    parser.add_argument(
        "--now", type=_moment, metavar="TIME", help="where the eighteen months end, ISO 8601 (default: this moment)"
    )
    parser.add_argument(
        "--days",
        type=float,
        default=0.0,
        help="show the account as it is so many days later; before: a negative number",
    )
    parser.add_argument(
        "--advance", metavar="URL", help="let --days (default 1) pass in the account that is served there, and leave"
    )
    parser.add_argument(
        "--fault",
        type=_fault,
        action="append",
        default=[],
        metavar="KIND[=VALUE][@ENDPOINT][+AFTER][xTIMES]",
        help="break something; may be given several times",
    )
    parser.set_defaults(run=run)


def _fault(text: str) -> Fault:
    try:
        return parse_fault(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _moment(text: str) -> datetime:
    moment = parse_instant(text)
    if moment is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time such as 2026-03-31 or 2026-03-31T18:00Z")
    return moment


def run(arguments: argparse.Namespace) -> Ended:
    """Serve until interrupted, or let days pass in an account that is served elsewhere.

    Raises UsageError where the port cannot be had, or where there is no account at that moment.
    """
    try:
        if arguments.advance:
            return _advance(arguments.advance, arguments.key, arguments.days or 1)
        serve(
            arguments.port,
            arguments.leads,
            arguments.seed,
            faults=arguments.fault,
            key=arguments.key,
            on_ready=lambda url: print(url, flush=True),
            now=arguments.now,
            days=arguments.days,
        )
    except ValueError as error:
        raise UsageError(str(error)) from None
    except OSError as error:
        raise UsageError(f"port {arguments.port} cannot be used ({error.strerror}); choose another --port") from None
    return Ended()


def _advance(url: str, key: str, days: float) -> Ended:
    try:
        now = DemoControl(url, key).advance(days)
    except HTTPError as error:
        raise UsageError(f"the account at {url} refuses (HTTP {error.code}): {days} days cannot pass there") from None
    except OSError as error:
        raise UsageError(f"no account is served at {url} ({error})") from None
    print(f"It is {format_instant(now, READABLE)} in the demo account.")
    return Ended()
