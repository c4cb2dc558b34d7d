# The worker as an image. Build it with any engine:
#
#   docker build --tag verbatim .
#
# and run it read-only, with the keys from the environment and two volumes:
#
#   docker run --read-only --tmpfs /tmp --env-file .env --stop-timeout 870 \
#     --volume verbatim-transcripts:/data/transcripts --volume verbatim-journals:/data/journals verbatim
#
# For more than one machine, and for what else belongs to it: docs/how-to/deploy.md
#
# The base needs glibc and Python 3.11 to 3.14 with venv; both stages use the same one.
ARG BASE=python:3.11.15-slim-bookworm

FROM ${BASE} AS build
ARG UV_VERSION=0.13.9
ENV UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy \
    UV_PYTHON_DOWNLOADS=never \
    UV_SYSTEM_CERTS=true
RUN python3 -m venv /opt/uv \
    && /opt/uv/bin/pip install --no-cache-dir --disable-pip-version-check "uv==${UV_VERSION}"
WORKDIR /app
# The packages first: they change less often than the code, so their layer is built less often.
COPY pyproject.toml uv.lock ./
RUN /opt/uv/bin/uv sync --locked --no-cache --no-dev --extra mcp --no-install-project
COPY README.md LICENSE ./
COPY config ./config
COPY standins ./standins
COPY worker ./worker
RUN /opt/uv/bin/uv sync --locked --no-cache --no-dev --extra mcp --no-editable
# A tenth of the packages is tests of theirs, and what onnxruntime has for making models and for programs in C.
RUN cd /app/.venv/lib/python3*/site-packages \
    && find . -type d -name tests -prune -exec rm -r {} + \
    && cd onnxruntime && rm -rf capi/libonnxruntime.so.* datasets quantization tools transformers

FROM ${BASE}
# HOME lies inside the image and is the user's own: what a library looks for there is found by the one who runs.
RUN groupadd --gid 10001 verbatim \
    && useradd --uid 10001 --gid 10001 --home-dir /home/verbatim --create-home --shell /usr/sbin/nologin verbatim \
    && mkdir -p /app /data/transcripts /data/journals \
    && chown -R 10001:10001 /data \
    && ln -s /data/transcripts /data/journals /app
COPY --from=build /app/.venv /app/.venv
ENV HOME=/home/verbatim \
    PATH=/app/.venv/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    TMPDIR=/tmp
# The settings' own defaults, ./transcripts and ./journals, lead to the volumes: a variable for that would be stronger
# than what a YAML file says.
WORKDIR /app
USER 10001:10001
# Journals must outlive the container: they are the calls that a crash interrupted.
VOLUME ["/data/transcripts", "/data/journals"]
EXPOSE 8081
STOPSIGNAL SIGTERM
CMD ["verbatim", "start"]
