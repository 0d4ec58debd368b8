"""Durations as options: 90d, 12h."""

from datetime import timedelta

import click

from verifier.core.setting_values import duration


class Duration(click.ParamType[timedelta]):
    """A length of time, such as 90d."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        try:
            return duration(str(value))
        except ValueError as error:
            self.fail(f"It {error}.", param, ctx)
