# The image of web, worker, beat and migrate. BASE may name any image with Python 3.11 or newer.
ARG BASE=python:3.13-slim

FROM ${BASE} AS build
RUN python3 -m venv /opt/venv
WORKDIR /srv/registry
COPY requirements.txt ./
RUN /opt/venv/bin/python -m pip install --no-cache-dir --disable-pip-version-check --require-hashes --requirement requirements.txt
COPY . .
RUN STATIC_ROOT=/srv/static /opt/venv/bin/python manage.py collectstatic --no-input --verbosity=0 \
    && /opt/venv/bin/python -m compileall -q api registry web

FROM ${BASE}
RUN groupadd --gid 10001 registry \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/rtms --shell /usr/sbin/nologin registry \
    && install --directory --owner=10001 --group=10001 --mode=0700 /var/lib/rtms
COPY --from=build /opt/venv /opt/venv
COPY --from=build /srv /srv
ENV RTMS_DATA=/var/lib/rtms STATIC_ROOT=/srv/static PYTHONDONTWRITEBYTECODE=1
WORKDIR /srv/registry
USER 10001:10001
ENTRYPOINT ["/opt/venv/bin/python", "manage.py"]
CMD ["help"]
