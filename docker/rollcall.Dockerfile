FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo build --release --locked -p rollcall

# The C library, authorities and nothing else: no shell, no package manager. Runs as nobody (65532).
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /src/target/release/rollcall /usr/local/bin/rollcall
# Where a snapshot may be kept: mount a volume that 65532 may write.
WORKDIR /var/lib/rollcall
USER 65532:65532
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=15s --retries=3 \
    CMD ["/usr/local/bin/rollcall", "healthcheck"]
ENTRYPOINT ["/usr/local/bin/rollcall"]
CMD ["serve"]
