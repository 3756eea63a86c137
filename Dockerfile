# syntax=docker/dockerfile:1
#
#   docker build -t sendonce .
#   docker run --rm sendonce demo
#   docker run --rm --read-only -p 8080:8080 -v "$PWD/sendonce.yaml:/etc/sendonce/sendonce.yaml:ro" -v incidents:/var/lib/sendonce sendonce

FROM swift:6.3-bookworm AS builder
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install -y --no-install-recommends libcurl4-openssl-dev libc-ares-dev libyaml-dev libnghttp2-dev libpcre2-dev libssl-dev zlib1g-dev pkg-config \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
# The manifest alone first: a change in the sources does not fetch the packages again.
COPY Package.swift ./
RUN mkdir -p Sources Tests && swift package resolve
COPY Sources Sources
# The test targets are declared in the manifest, so their folders must exist for it to load.
COPY Tests Tests
RUN mkdir -p .build/archives \
 && ln -sf "$(clang -print-file-name=libstdc++.a)" .build/archives/ \
 && swift build -c release --static-swift-stdlib --product sendonce \
 && install -D -s .build/release/sendonce /out/sendonce \
 && install -D -m 644 Sources/NodeProbe/sendonce-probe.cjs /out/share/sendonce/probe/sendonce-probe.cjs

FROM debian:bookworm-slim
LABEL org.opencontainers.image.title="SendOnce" \
      org.opencontainers.image.description="A reverse proxy that catches every answer that is sent twice" \
      org.opencontainers.image.licenses="Apache-2.0"
# A number, not a name: under runAsNonRoot a name cannot be told from root's.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install -y --no-install-recommends libcurl4 libc-ares2 libyaml-0-2 libnghttp2-14 libpcre2-8-0 libssl3 zlib1g \
 && rm -rf /var/lib/apt/lists/* \
 && groupadd --system --gid 10001 sendonce \
 && useradd --system --uid 10001 --gid 10001 --no-create-home --shell /usr/sbin/nologin sendonce \
 && install -d -o 10001 -g 10001 /var/lib/sendonce
COPY --from=builder /out/sendonce /usr/local/bin/sendonce
COPY --from=builder /out/share /usr/local/share
USER 10001:10001
# Relative paths in the configuration (incidents.jsonl) end up here: mount a volume to keep them. The rest of the image may be read-only.
WORKDIR /var/lib/sendonce
EXPOSE 8080 9180
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s CMD ["sendonce", "healthcheck"]
ENTRYPOINT ["sendonce"]
CMD ["run", "--config", "/etc/sendonce/sendonce.yaml"]
