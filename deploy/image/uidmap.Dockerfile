# kimg for pods that run steps as a user that is not root (deploy/kubernetes/job-userns.yaml): with newuidmap. File capabilities in place of the setuid bit, because a
# pod's root has not the capability that the kernel asks of it.
FROM debian:12-slim
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates libcap2-bin uidmap && rm -rf /var/lib/apt/lists/* \
 && chmod u-s /usr/bin/newuidmap /usr/bin/newgidmap && setcap cap_setuid+ep /usr/bin/newuidmap && setcap cap_setgid+ep /usr/bin/newgidmap
# Of the 65536 ids that the pod has, those above its own user's.
RUN useradd --create-home --uid 1000 kimg && echo kimg:2000:60000 >/etc/subuid && echo kimg:2000:60000 >/etc/subgid
COPY --from=ghcr.io/kimg/kimg:0.1.0 /kimg /usr/local/bin/kimg
USER 1000:1000
WORKDIR /workspace
ENTRYPOINT ["/usr/local/bin/kimg"]
