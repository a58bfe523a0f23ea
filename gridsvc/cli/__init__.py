"""The command line: every command in a file of its own."""

import sys
from importlib import import_module
from typing import Any

import click

from gridsvc.cli.collecting import uncollected
from gridsvc.domain.errors import GridsvcError, SettingsError

COMMANDS: dict[str, tuple[str, str, str]] = {
    "run": (
        "serve",
        "run",
        "首次建立演示县，然后提供服务 / Build the demo county once, then serve",
    ),
    "serve": ("serve", "serve", "提供服务 / Serve"),
    "import": ("import_", "import_", "导入图层 / Import a layer"),
    "check": ("check", "check", "检查图层 / Check a layer"),
    "export": ("export", "export", "导出图层 / Export a layer"),
    "locate": ("locate", "locate", "为一批坐标定位网格 / Locate a file of positions"),
    "map": ("map", "map_", "生成地图文件 / Draw a map to a file"),
    "replay": (
        "replay",
        "replay",
        "用往期警情重演派单方式 / Replay a past period under other policies",
    ),
    "synth": ("synth", "synth", "生成演示县文件 / Write the demo county's files"),
    "cards": ("cards", "cards", "预案 / Run cards"),
    "keys": ("keys", "keys", "访问密钥 / API keys"),
    "channels": ("channels", "channels", "通知渠道 / How people are told"),
    "backup": ("backup", "backup", "备份全部数据到一个文件 / Back everything up to a file"),
    "restore": ("backup", "restore", "把备份恢复到空数据库 / Restore into an empty database"),
    "db": ("store", "db", "数据库 / The database"),
}
"""Name: (module, attribute, help). Loaded when called, so that each starts quickly."""


class LazyCommands(click.Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names, in the order a newcomer needs them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command of that name, if there is one."""
        if cmd_name not in COMMANDS:
            return None
        module, attribute, _ = COMMANDS[cmd_name]
        with uncollected():
            command: click.Command = getattr(import_module(f"gridsvc.cli.{module}"), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, _, text) in COMMANDS.items()])


@click.command(cls=LazyCommands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="gridsvc")
def cli() -> None:
    """县级综治中心网格管理与调度 / Grid management and dispatch for a county governance centre."""


def main(arguments: list[str] | None = None) -> None:
    """Run a command; what is somebody's to mend is said in sentences, with exit code 1."""
    try:
        cli.main(args=arguments, standalone_mode=False)
    except GridsvcError as error:
        click.echo(error.say(_lang()), err=True)
        sys.exit(1)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        sys.exit(130)
    except click.exceptions.Exit as ended:
        sys.exit(ended.exit_code)


def _lang() -> Any:
    from gridsvc.settings import Settings

    try:
        return Settings.read().lang
    except SettingsError:
        return "zh"
