"""`verbatim demo`: a whole call on this machine, no keys."""

import asyncio
import contextlib
import signal
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markdown import Markdown

from worker.errors import Failed

INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells have it: 128 and the signal's number."""

Join = Annotated[bool, typer.Option("--join", help="Start no caller; keep all up for you to join until Ctrl-C.")]


def command(join: Join = False) -> None:
    """Start a server, stand-ins for all services and a worker, and let a caller hold a conversation."""
    console = Console(highlight=False, soft_wrap=True)
    try:
        asyncio.run(_until_told(_join(console) if join else _watch(console)))
    except (KeyboardInterrupt, asyncio.CancelledError):
        console.print("\nStopped; nothing is left running.")
        raise typer.Exit(0 if join else INTERRUPTED) from None


async def _until_told(work: Any) -> None:
    """Run `work`; SIGTERM ends it as Ctrl-C does, so that its processes end too."""
    task = asyncio.ensure_future(work)
    with contextlib.suppress(NotImplementedError):
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    await task


async def _watch(console: Console) -> None:
    from worker.demo.conversation import hold_conversation, invitation_for_demo
    from worker.demo.outcome import Outcome, await_transcript
    from worker.demo.stage import stage

    _introduce(console)
    async with stage(lambda step: console.print(f"  [green]✓[/] {step}")) as running:
        invitation = invitation_for_demo(running)
        console.print(f"\nA caller joins room [bold]{invitation.room}[/]:\n")
        answers: list[int] = []

        async def call() -> Outcome:
            async for event in hold_conversation(running, invitation):
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
        console.print(f"  {file}", markup=False)
    console.print("\nTalk to it yourself: [bold]verbatim demo --join[/]. With your own keys: see README.md.")


def _introduce(console: Console) -> None:
    console.print(
        "[bold]Verbatim demo.[/] Everything runs on this machine: a real LiveKit server and worker; in place of the "
        "services\na local recogniser (pocketsphinx), scripted replies and a synthesised voice. No keys, no network.\n"
    )


def _show(console: Console, event: dict[str, Any], answers: list[int]) -> None:
    match event.get("event"):
        case "speaking":
            console.print(f"  [cyan]caller[/]  {event['text']}")
        case "answered":
            console.print(f"  [magenta]agent[/]   {event['caption'].strip()}", end="")
            if answers or event["answer_ms"] < 10_000:
                console.print(f"  [dim]({event['answer_ms']} ms)[/]")
            answers.append(event["answer_ms"])
        case "interrupted":
            console.print(f"  [magenta]agent[/]   {event['caption'].strip()} [yellow]—[/]")
            console.print(f"  [cyan]caller[/]  {event['text']}  [dim](talks over the agent)[/]")


async def _join(console: Console) -> None:
    from worker.demo.conversation import invitation_for_demo
    from worker.demo.stage import stage

    _introduce(console)
    async with stage(lambda step: console.print(f"  [green]✓[/] {step}")) as running:
        invitation = invitation_for_demo(running)
        console.print(
            "\nOpen https://agents-playground.livekit.io/, choose [bold]Manual[/], paste both and press Connect "
            "(on this machine; the token is valid for 15 minutes):\n"
        )
        console.print(f"  URL    {invitation.server_url}", markup=False)
        console.print(f"  Token  {invitation.token}\n", markup=False)
        console.print(
            f"The transcript is stored under {running.loaded.settings.storage.directory} when you disconnect. "
            "The local recogniser knows few words and understands people roughly.\nCtrl-C stops everything."
        )
        await running.worker.ended()
        raise running.worker.failure("ended")
