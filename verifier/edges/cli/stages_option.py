"""`--stages`: how far a verification goes."""

import click

from verifier.core.reasons import ALL_STAGES, StageName


class Stages(click.ParamType[tuple[StageName, ...]]):
    """A prefix of `syntax,disposable,mx,smtp`, as a tuple."""

    name = "stages"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[StageName, ...]:
        if isinstance(value, tuple):
            return value
        names = [word.strip().lower() for word in str(value).split(",") if word.strip()]
        if not names or names != [stage.value for stage in ALL_STAGES[: len(names)]]:
            self.fail(f"{value!r} is not a beginning of {','.join(ALL_STAGES)}.", param, ctx)
        return ALL_STAGES[: len(names)]


stages_option = click.option(
    "--stages",
    type=Stages(),
    default=ALL_STAGES,
    show_default=",".join(ALL_STAGES),
    metavar="LIST",
    help="How far to go: a beginning of syntax,disposable,mx,smtp.",
)
