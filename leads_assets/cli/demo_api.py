"""`leads-assets demo-api`: the bundled demo API by itself."""

import argparse

from leads_assets.cli.arguments import PORTS, UsageError, add_leads_option, whole
from leads_assets.cli.render import Ended
from leads_assets.demo.server.api import serve
from leads_assets.demo.server.faults import KINDS, Fault, parse_fault


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "demo-api",
        help="run the bundled demo API",
        description="Serve a deterministic demo account on loopback until interrupted.",
        epilog="faults: " + "; ".join(f"{kind}: {sentence}" for kind, sentence in KINDS.items()),
    )
    parser.add_argument("--port", type=whole(*PORTS), default=0, help="port on loopback; 0 takes a free one (default)")
    add_leads_option(parser)
    parser.add_argument("--seed", type=int, default=1, help="seed of the data (default 1)")
    parser.add_argument("--key", default="demo-key", help="the key to expect (default demo-key)")
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


def run(arguments: argparse.Namespace) -> Ended:
    """Serve until interrupted. Raises UsageError where the port cannot be had."""
    try:
        serve(
            arguments.port,
            arguments.leads,
            arguments.seed,
            faults=arguments.fault,
            key=arguments.key,
            on_ready=lambda url: print(url, flush=True),
        )
    except OSError as error:
        raise UsageError(f"port {arguments.port} cannot be used ({error.strerror}); choose another --port") from None
    return Ended()
