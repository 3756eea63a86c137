# syntax=docker/dockerfile:1
#
#   docker build -t sendonce .
#   docker run --rm sendonce demo
#   docker run --rm -p 8080:8080 -v "$PWD/sendonce.yaml:/etc/sendonce/sendonce.yaml:ro" sendonce

FROM swift:6.3-bookworm AS builder
RUN apt-get update \
 && apt-get install -y --no-install-recommends libc-ares-dev libyaml-dev libnghttp2-dev libpcre2-dev libssl-dev pkg-config \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
# The manifest alone first: a change in the sources does not fetch the packages again.
COPY Package.swift ./
RUN mkdir -p Sources Tests && swift package resolve
COPY Sources Sources
# The test targets are declared in the manifest, so their folders must exist for it to load.
COPY Tests Tests
RUN swift build -c release --static-swift-stdlib --product sendonce \
 && install -D -s .build/release/sendonce /out/sendonce

FROM debian:bookworm-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends libc-ares2 libyaml-0-2 libnghttp2-14 libpcre2-8-0 libssl3 \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --no-create-home --shell /usr/sbin/nologin sendonce \
 && install -d -o sendonce -g sendonce /var/lib/sendonce
COPY --from=builder /out/sendonce /usr/local/bin/sendonce
USER sendonce
# Relative paths in the configuration (incidents.jsonl) end up here: mount a volume to keep them.
WORKDIR /var/lib/sendonce
EXPOSE 8080 9180
STOPSIGNAL SIGTERM
ENTRYPOINT ["sendonce"]
CMD ["run", "--config", "/etc/sendonce/sendonce.yaml"]
