# The command line with the readers of benchmarks and servers' models; training needs the extra `train` and a CUDA image.
#
#   docker build -t execverify .
#   docker run --rm -v "$PWD:/data" execverify dataset build -o rows --size 1000
#   docker run --rm execverify doctor          # which layers of the sandbox work in the container
FROM python:3.12-slim

WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY src src
ARG EXTRAS=cli,evaluate,openai,hub
RUN pip install --no-cache-dir ".[$EXTRAS]"

RUN useradd --create-home user
USER user
WORKDIR /data
ENTRYPOINT ["execverify"]
CMD ["--help"]
