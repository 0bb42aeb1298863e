FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo build --release --locked -p lab

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates sip-tester \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /src/target/release/rollcall-lab /usr/local/bin/rollcall-lab
