"""An operator's own agents, as a file of theirs: the desk, with tools, and who takes over from it.

It does not greet, so that the caller speaks first.
"""

from livekit.agents import Agent, function_tool


class Desk(Agent):
    """Looks things up, hands over, and ends the call."""

    def __init__(self) -> None:
        super().__init__(instructions="You work at the desk of a store.")

    @function_tool
    async def find_my_order(self, order_number: str) -> str:
        """Look an order up.

        Args:
            order_number: the number of the order
        """
        return f"Order {order_number} is on its way."

    @function_tool
    async def replace_broken_goods(self) -> tuple[Agent, str]:
        """Hand over to the colleague who replaces them."""
        return Replacements(), "A colleague takes over."

    @function_tool
    async def finish_for_today(self) -> None:
        """End the call."""
        self.session.shutdown()


class Replacements(Agent):
    """The colleague, who ends the call as well."""

    def __init__(self) -> None:
        super().__init__(instructions="You replace what is broken.")

    @function_tool
    async def finish_for_today(self) -> None:
        """End the call."""
        self.session.shutdown()
