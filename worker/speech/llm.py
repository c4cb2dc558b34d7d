"""An LLM that is asked only once everything said so far is on disk, and whose tools run only once that is.

A tool may do what cannot be undone. That it was called is accepted before the framework gets the call: whatever dies
then, nobody takes the tool for one that was never called.
"""

import dataclasses
from typing import Any, ClassVar

from livekit.agents import APIConnectOptions, llm
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS, NOT_GIVEN, NotGivenOr

from worker.speech.context import ContextWindow
from worker.speech.recorder import Recorder


class WriteAheadLLM(llm.LLM[Any]):
    """Wraps any LLM: each request waits until the recorder has settled.

    Args:
        wrapped: is asked.
        recorder: takes what the call's components say.
        window: chooses what of the conversation is sent; without one all of it is.
    """

    def __init__(self, wrapped: llm.LLM[Any], recorder: Recorder, window: ContextWindow | None = None) -> None:
        super().__init__()
        self._wrapped = wrapped
        self._recorder = recorder
        self._window = window
        wrapped.on("metrics_collected", self._forward_metrics)

    @property
    def model(self) -> str:
        """The wrapped LLM's model."""
        return self._wrapped.model

    @property
    def provider(self) -> str:
        """The wrapped LLM's provider."""
        return self._wrapped.provider

    def chat(
        self,
        *,
        chat_ctx: llm.ChatContext,
        tools: list[llm.Tool] | None = None,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
        parallel_tool_calls: NotGivenOr[bool] = NOT_GIVEN,
        tool_choice: NotGivenOr[llm.ToolChoice] = NOT_GIVEN,
        extra_kwargs: NotGivenOr[dict[str, Any]] = NOT_GIVEN,
    ) -> llm.LLMStream:
        """Return the stream of an answer; its request leaves once the recorder has settled."""
        return _SettledStream(
            self,
            wrapped=self._wrapped,
            recorder=self._recorder,
            chat_ctx=chat_ctx if self._window is None else self._window.fit(chat_ctx),
            tools=tools or [],
            conn_options=conn_options,
            request={
                "parallel_tool_calls": parallel_tool_calls,
                "tool_choice": tool_choice,
                "extra_kwargs": extra_kwargs,
            },
        )

    def prewarm(self, *, loop: Any = None) -> None:
        """Open the wrapped LLM's connection ahead of the first request."""
        self._wrapped.prewarm(loop=loop)

    async def aclose(self) -> None:
        """Close the wrapped LLM."""
        if self._window is not None:
            await self._window.aclose()
        self._wrapped.off("metrics_collected", self._forward_metrics)
        await self._wrapped.aclose()

    def _forward_metrics(self, *args: Any, **kwargs: Any) -> None:
        self.emit("metrics_collected", *args, **kwargs)


class _SettledStream(llm.LLMStream):
    # The wrapped stream's spans and metrics describe the request; these would count it twice.
    _llm_request_span_name: ClassVar[str] = "llm_write_ahead"
    _llm_attempt_span_name: ClassVar[str | None] = None
    _genai_operation_name: ClassVar[str | None] = None

    def __init__(
        self,
        owner: WriteAheadLLM,
        *,
        wrapped: llm.LLM[Any],
        recorder: Recorder,
        chat_ctx: llm.ChatContext,
        tools: list[llm.Tool],
        conn_options: APIConnectOptions,
        request: dict[str, Any],
    ) -> None:
        # The wrapped stream retries as `conn_options` says; a second ladder around it would multiply.
        super().__init__(
            owner,
            chat_ctx=chat_ctx,
            tools=tools,
            conn_options=dataclasses.replace(conn_options, max_retry=0),
        )
        self._wrapped = wrapped
        self._recorder = recorder
        self._wrapped_conn_options = conn_options
        self._request = request

    async def _run(self) -> None:
        await self._recorder.settled()
        async with self._wrapped.chat(
            chat_ctx=self._chat_ctx,
            tools=self._tools,
            conn_options=self._wrapped_conn_options,
            **self._request,
        ) as stream:
            async for chunk in stream:
                for call in chunk.delta.tool_calls if chunk.delta is not None else ():
                    await self._recorder.begin_tool(call.call_id, call.name, call.arguments)
                self._event_ch.send_nowait(chunk)

    async def _metrics_monitor_task(self, event_aiter: Any) -> None:
        async for _ in event_aiter:
            pass
