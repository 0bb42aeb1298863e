FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo build --release --locked -p rollcall

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --no-create-home rollcall
COPY --from=build /src/target/release/rollcall /usr/local/bin/rollcall
USER rollcall
EXPOSE 8000
ENTRYPOINT ["rollcall"]
CMD ["serve"]
