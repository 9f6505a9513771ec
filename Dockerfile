# The platform's image: dependencies in a venv from the first stage, the program beside it, nobody's rights.
FROM python:3.11.13-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONDONTWRITEBYTECODE=1
RUN python -m venv /opt/venv
WORKDIR /app
# Only what names the dependencies: a change of the program does not install them anew.
COPY pyproject.toml constraints.txt ./
RUN python -c "import tomllib; print('\n'.join(tomllib.load(open('pyproject.toml', 'rb'))['project']['dependencies']))" > /tmp/needs.txt \
    && /opt/venv/bin/pip install --quiet -c constraints.txt -r /tmp/needs.txt
COPY . .
RUN /opt/venv/bin/pip install --quiet --no-deps --config-settings editable_mode=compat -e . \
    && /opt/venv/bin/python -m compileall -q /app

FROM python:3.11.13-slim-bookworm
# Whoever runs it: docker-compose.yml says so; by default nobody in particular.
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin urban && install -d -o urban -m 0700 /data
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app
WORKDIR /app
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HOME=/tmp URBAN_DATA_DIR=/data
USER 10001
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-m", "commands.ready"]
ENTRYPOINT ["urban"]
CMD ["up"]
