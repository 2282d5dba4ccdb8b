# The operator. The base is an argument, so that machines that cannot pull build the same file
# (see hack/images). BUILDER needs pip and venv; BASE needs only Python, of the same version.
ARG BASE=python:3.13-slim-bookworm
ARG BUILDER=${BASE}

FROM ${BUILDER} AS build
# Given on the command line where a network needs them; otherwise unset.
ARG PIP_CERT
ARG PIP_INDEX_URL
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
# Byte code here is never checked against its source: the root file system is read-only.
RUN python3 -m venv tools && python3 -m venv --without-pip /opt/spectra
COPY requirements.lock requirements-dev.lock ./
RUN tools/bin/pip --python /opt/spectra/bin/python install --quiet --no-compile \
      --require-hashes --only-binary :all: -r requirements.lock \
 && python3 -m compileall -q --invalidation-mode unchecked-hash /opt/spectra/lib
# The build backend is pinned too: its part of the development lock, hashes and all.
RUN awk '/^[a-z]/ { keep = /^(hatchling|packaging|pathspec|pluggy|tomlkit|trove-classifiers)==/ } keep' \
      requirements-dev.lock > build.lock \
 && tools/bin/pip install --quiet --require-hashes --only-binary :all: -r build.lock
COPY pyproject.toml README.md LICENSE ./
COPY operator operator
RUN tools/bin/pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist . \
 && tools/bin/pip --python /opt/spectra/bin/python install --quiet --no-compile --no-deps \
      --no-index dist/*.whl \
 && python3 -m compileall -q --invalidation-mode unchecked-hash \
      /opt/spectra/lib/python*/site-packages/spectra_operator \
 && rm /opt/spectra/bin/kubectl*spectra # the command line is not in the image

FROM ${BASE}
LABEL org.opencontainers.image.title="spectra-operator" \
      org.opencontainers.image.description="Runs teams of agents on Kubernetes" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/spectra /opt/spectra
ENV PATH=/opt/spectra/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
USER 65532:65532
ENTRYPOINT ["spectra-operator"]
CMD ["run"]
