"""A day passes for the warehouse of a project."""

from leads_assets.torture import days
from leads_assets_tests.harness.project import Project


def pass_a_day(project: Project) -> None:
    """What its warehouse and the count of its requests remember becomes a day older."""
    days.pass_a_day(project.path, project.state)
