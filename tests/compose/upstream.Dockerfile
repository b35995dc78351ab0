# Stand-ins for the images that compose.yaml takes from upstream, where no registry can be reached:
# the programs are Debian's, the rest is as upstream has it. That is a busybox and no other tools;
# the program in /bin; a user nobody, who owns the folder of what is kept.

FROM debian:bookworm-slim AS packages
RUN apt-get update && apt-get install --yes --no-install-recommends \
      busybox-static prometheus prometheus-alertmanager prometheus-node-exporter
RUN mkdir -p /root-of-image/bin /root-of-image/etc /root-of-image/tmp && cd /root-of-image && \
    chmod 1777 tmp && \
    cp /bin/busybox bin && bin/busybox --install -s bin && ln -sf busybox bin/sh && \
    for link in bin/*; do if [ -L "$link" ]; then ln -sf busybox "$link"; fi; done && \
    grep nobody /etc/passwd >etc/passwd && grep nogroup /etc/group >etc/group && \
    cp --parents --dereference $(ldd /usr/bin/prometheus /usr/bin/prometheus-alertmanager \
      /usr/bin/prometheus-node-exporter | grep -o '/lib[^ ]*' | sort -u | grep -v ':$') .

FROM scratch AS busybox
COPY --from=packages /root-of-image /

FROM busybox AS prometheus
COPY --from=packages /usr/bin/prometheus /usr/bin/promtool /bin/
RUN mkdir -p /etc/prometheus /prometheus && chown 65534:65534 /etc/prometheus /prometheus
USER nobody
EXPOSE 9090
VOLUME /prometheus
WORKDIR /prometheus
ENTRYPOINT ["/bin/prometheus"]
CMD ["--config.file=/etc/prometheus/prometheus.yml", "--storage.tsdb.path=/prometheus"]

FROM busybox AS alertmanager
COPY --from=packages /usr/bin/prometheus-alertmanager /bin/alertmanager
COPY --from=packages /usr/bin/amtool /bin/
# Upstream's program has these within.
COPY --from=packages /usr/share/prometheus/alertmanager/ /usr/share/prometheus/alertmanager/
RUN mkdir -p /etc/alertmanager /alertmanager && chown 65534:65534 /etc/alertmanager /alertmanager
USER nobody
EXPOSE 9093
VOLUME /alertmanager
WORKDIR /alertmanager
ENTRYPOINT ["/bin/alertmanager"]
CMD ["--config.file=/etc/alertmanager/alertmanager.yml", "--storage.path=/alertmanager"]

FROM busybox AS node-exporter
COPY --from=packages /usr/bin/prometheus-node-exporter /bin/node_exporter
USER nobody
EXPOSE 9100
ENTRYPOINT ["/bin/node_exporter"]
