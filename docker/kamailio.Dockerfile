FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends gettext-base sqlite3 \
        kamailio kamailio-kazoo-modules kamailio-json-modules kamailio-extra-modules kamailio-sqlite-modules \
    && rm -rf /var/lib/apt/lists/*
COPY crates/lab/kamailio/kamailio.cfg /etc/kamailio/template.cfg
COPY docker/kamailio-start /usr/local/bin/kamailio-start
EXPOSE 5060/udp 5060/tcp
CMD ["kamailio-start"]
