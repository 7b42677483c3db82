# syntax=docker/dockerfile:1
# The service with its models, without torch and without a compiler.
#   docker build --tag skillsearch .
FROM python:3.11-slim AS build
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY skillsearch skillsearch
COPY indexer indexer
COPY trainer trainer
COPY weights weights
RUN python -m venv /opt/skillsearch \
 && /opt/skillsearch/bin/pip install --no-cache-dir --constraint constraints.txt '.[serve,mcp]' ./weights \
 && /opt/skillsearch/bin/pip uninstall --yes pip setuptools \
 && find /opt/skillsearch -name __pycache__ -prune -exec rm -r {} +

FROM python:3.11-slim
RUN useradd --system --uid 10001 --create-home --home-dir /data skillsearch
COPY --from=build /opt/skillsearch /opt/skillsearch
ENV PATH=/opt/skillsearch/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HF_HUB_OFFLINE=1 \
    SKILLSEARCH_HOME=/data
USER 10001
WORKDIR /data
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \
  CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/readyz', timeout=2)"]
ENTRYPOINT ["skillsearch"]
CMD ["serve", "--host", "0.0.0.0"]
