# Two stages: the first builds the virtual environment, the second carries nothing but it.
FROM python:3.13-slim AS build
WORKDIR /src
COPY requirements.lock requirements-build.lock ./
RUN python -m venv /opt/imagine \
 && /opt/imagine/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes \
      -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY core core
COPY bots bots
COPY sandbox sandbox
RUN python -m venv /opt/build \
 && /opt/build/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements-build.lock \
 && /opt/build/bin/python -m hatchling build -t wheel -d /src/dist \
 && /opt/imagine/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps /src/dist/*.whl

FROM python:3.13-slim
# PYTHONSAFEPATH: bots/telegram and bots/discord must never shadow the libraries of the same name.
ENV PATH=/opt/imagine/bin:$PATH PYTHONSAFEPATH=1 PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    WEB_LISTEN=0.0.0.0:8080
RUN useradd --system --uid 10001 --create-home --home-dir /srv/imagine imagine \
 && mkdir /srv/imagine/data && chown imagine: /srv/imagine/data
COPY --from=build /opt/imagine /opt/imagine
WORKDIR /srv/imagine
USER imagine
VOLUME /srv/imagine/data
EXPOSE 8080
# The web part answers this. A container that runs other parts alone needs METRICS_LISTEN and a check that asks there (as in
# compose.yaml), or --no-healthcheck.
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/healthz', timeout=4)"]
# Paid calls are waited for (STOP_GRACE, two minutes), then the last pictures are posted: give it `docker stop -t 160`.
STOPSIGNAL SIGTERM
ENTRYPOINT ["imagine"]
CMD ["run"]
