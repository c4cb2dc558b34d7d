"""Reads a request's body as one of the API's requests, or refuses it in the API's own form."""

from typing import TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from standins.openai import frames
from standins.process import read_json

Request = TypeVar("Request", bound=BaseModel)


async def parse(request: web.Request, model: type[Request]) -> Request:
    """Reads the body.

    Raises:
        web.HTTPBadRequest: With an error body that names the first wrong field.
    """
    try:
        return model.model_validate(await read_json(request))
    except ValidationError as error:
        wrong = error.errors()[0]
        where = ".".join(map(str, wrong["loc"])) or "body"
        sentence = f"Invalid value for '{where}': {wrong['msg']}."
        raise web.HTTPBadRequest(
            body=frames.encode(frames.error(sentence, "invalid_request_error", None)),
            content_type="application/json",
        ) from None
