# The service in a container: docker build -t verifier . (compose.yaml runs it with Redis; docs/operations.md).
FROM python:3.11-slim-bookworm AS build
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY data data
COPY verifier verifier
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /dist .

FROM python:3.11-slim-bookworm
COPY constraints.txt /tmp/constraints.txt
COPY --from=build /dist /dist
RUN pip install --no-cache-dir -c /tmp/constraints.txt /dist/*.whl
RUN useradd --system --uid 10001 --home-dir /var/lib/verifier --create-home --shell /usr/sbin/nologin verifier
USER verifier
WORKDIR /var/lib/verifier
ENV VERIFIER_DATA_DIR=/var/lib/verifier VERIFIER_HTTP_HOST=0.0.0.0 VERIFIER_HTTP_PORT=8080
VOLUME /var/lib/verifier
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/healthz', timeout=4)"]
ENTRYPOINT ["verifier"]
CMD ["serve"]
