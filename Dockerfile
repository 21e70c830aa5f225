# The images of all programs: `npm run bundle`, then `docker build --target sidecar -t protected-mcp-sidecar .`
# One bundled file on a base that has Node 24 and nothing else: no shell, no package manager, no node_modules.
# BASE may be any image with Node 24 on the PATH below, such as node:24-slim.
ARG BASE=gcr.io/distroless/nodejs24-debian12:nonroot

FROM ${BASE} AS base
# 65532 is nonroot in distroless. As a number, or the kubelet cannot tell that runAsNonRoot holds.
USER 65532:65532
WORKDIR /app
ENV NODE_ENV=production \
    PATH=/nodejs/bin:/usr/local/bin:/usr/bin:/bin

FROM base AS operator
COPY dist/operator.mjs dist/helm-test.mjs ./
ENTRYPOINT ["node", "/app/operator.mjs"]

FROM base AS sidecar
COPY dist/sidecar.mjs ./
EXPOSE 8001 9001
ENTRYPOINT ["node", "/app/sidecar.mjs"]

FROM base AS echo
COPY dist/echo.mjs ./
EXPOSE 8000
ENTRYPOINT ["node", "/app/echo.mjs"]

FROM base AS realm
COPY dist/realm.mjs dist/development-certificate.mjs ./
ENTRYPOINT ["node", "/app/realm.mjs"]
