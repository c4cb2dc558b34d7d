"""`verbatim demo`: a whole call on this machine, no keys."""

import os
import shutil
import signal
import sys
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markdown import Markdown

from worker.errors import Failed, Misused

if TYPE_CHECKING:
    from worker.demo.scripts import Script

Join = Annotated[bool, typer.Option("--join", help="Start no caller; keep all up for you to join until Ctrl-C.")]


Example = Annotated[str, typer.Option("--example", help="Agent of examples/ that answers: faq, appointments, intake.")]


def command(join: Join = False, example: Example = "") -> None:
    """Start a server, stand-ins for all services and a worker, and let a caller hold a conversation."""
    from worker.demo.stopping import Stopped, run_until_told

    script = _script(example)

    console = Console(highlight=False)
    try:
        run_until_told(
            _join(console, script) if join else _watch(console, script),
            on_order=lambda: _say(console, "\nStopping; press Ctrl-C to stop at once."),
        )
    except Stopped as stopped:
        _say(console, "Stopped; nothing is left running.")
        expected = join and stopped.told_by == signal.SIGINT
        raise typer.Exit(0 if expected else stopped.exit_status) from None


def _say(console: Console, text: str) -> None:
    """Print `text`, unless the terminal is gone."""
    try:
        console.print(text)
    except OSError:
        # What could not be written would be tried again at the exit, and change its status.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _script(example: str) -> "Script":
    from worker.demo.scripts import EXAMPLES, USUAL

    if not example:
        return USUAL
    if example not in EXAMPLES:
        raise Misused(f"There is no example of that name; choose one of {', '.join(EXAMPLES)}.")
    if not Path("examples", f"{example}.py").exists():
        raise Misused("The examples are not here; start the demo in the directory that holds examples/.")
    return EXAMPLES[example]


async def _watch(console: Console, script: "Script") -> None:
    from worker.demo.conversation import hold_conversation, invitation_for_demo
    from worker.demo.outcome import Outcome, await_transcript
    from worker.demo.stage import stage

    _introduce(console)
    async with stage(lambda step: console.print(f"  [green]✓[/] {step}"), script.agent) as running:
        invitation = invitation_for_demo(running)
        console.print(f"\nA caller joins room [bold]{invitation.room}[/]:\n")
        answers: list[int] = []

        async def call() -> Outcome:
            async with aclosing(hold_conversation(running, invitation, script)) as events:
                async for event in events:
                    _show(console, event, answers)
            return await await_transcript(running, invitation.room)

        outcome = await running.during(call())
        if not answers:
            raise Failed(f"The agent never answered. The logs are in {running.logs}.")
    middle = sorted(answers)[len(answers) // 2]
    console.print(
        f"\nThe caller hung up. Answers began {middle} ms (median) after the caller's last word; "
        "stand-ins answer faster or slower than the real services.\n"
    )
    console.rule("the stored transcript", align="left")
    console.print(Markdown(outcome.markdown))
    console.rule()
    console.print("It is stored in:")
    for file in sorted(outcome.directory.glob("transcript.*")):
        console.print(f"  {file}", markup=False, soft_wrap=True)
    console.print(
        f"\nTalk to it yourself: [bold]{_own_command()} demo --join[/]. With your own keys: see README.md.",
        soft_wrap=True,
    )


def _own_command() -> str:
    """Return how this command is called from the current directory."""
    if shutil.which("verbatim"):
        return "verbatim"
    program = Path(sys.executable).with_name("verbatim")
    return str(program.relative_to(Path.cwd()) if program.is_relative_to(Path.cwd()) else program)


def _introduce(console: Console) -> None:
    console.print(
        "[bold]Verbatim demo.[/] Everything runs on this machine: a real LiveKit server and worker; in place of the "
        "services a local recogniser (pocketsphinx), scripted replies and a synthesised voice. No keys, no network.\n"
    )


def _show(console: Console, event: dict[str, Any], answers: list[int]) -> None:
    match event.get("event"):
        case "speaking":
            console.print(f"  [cyan]caller[/]  {event['text']}")
        case "pressed":
            console.print(f"  [cyan]caller[/]  [dim]presses[/] {event['keys']}")
        case "answered":
            console.print(f"  [magenta]agent[/]   {event['caption'].strip()}", end="")
            if answers or event["answer_ms"] < 10_000:
                console.print(f"  [dim]({event['answer_ms']} ms)[/]")
            answers.append(event["answer_ms"])
        case "interrupted":
            console.print(f"  [magenta]agent[/]   {event['caption'].strip()} [yellow]—[/]")
            console.print(f"  [cyan]caller[/]  {event['text']}  [dim](talks over the agent)[/]")


async def _join(console: Console, script: "Script") -> None:
    from worker.demo.conversation import invitation_for_demo
    from worker.demo.stage import stage

    _introduce(console)
    async with stage(lambda step: console.print(f"  [green]✓[/] {step}"), script.agent) as running:
        invitation = invitation_for_demo(running)
        console.print(
            "\nOpen https://agents-playground.livekit.io/, choose [bold]Manual[/], paste both and press Connect "
            "(on this machine; the token is valid for 15 minutes):\n"
        )
        console.print(f"  URL    {invitation.server_url}", markup=False, soft_wrap=True)
        console.print(f"  Token  {invitation.token}\n", markup=False, soft_wrap=True)
        console.print(
            f"The transcript is stored under {running.loaded.settings.storage.directory} when you disconnect. "
            "The local recogniser knows few words and understands people roughly. After hanging up, wait half a "
            "minute before you connect again: the agent comes when the room is made anew.\nCtrl-C stops everything."
        )
        await running.worker.ended()
        raise running.worker.failure("ended")
