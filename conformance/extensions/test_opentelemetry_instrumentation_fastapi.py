"""Spans of an application and of one that is mounted, instrumented alone and globally."""

from fastapi import FastAPI
from fastapi.testclient import TestClient


def test_otel():
    from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    ex = InMemorySpanExporter()
    tp = TracerProvider()
    tp.add_span_processor(SimpleSpanProcessor(ex))
    app = FastAPI()

    @app.get("/items/{n}")
    async def read(n: int):
        return n

    @app.get("/boom")
    def boom():
        raise RuntimeError("boom")

    sub = FastAPI()

    @sub.get("/x/{y}")
    def x(y):
        return y

    app.mount("/sub", sub)
    FastAPIInstrumentor.instrument_app(app, tracer_provider=tp)
    c = TestClient(app, raise_server_exceptions=False)
    assert c.get("/items/3").json() == 3
    assert c.get("/sub/x/3").json() == "3"
    assert c.get("/boom").status_code == 500
    names = [
        (s.name, s.attributes.get("http.route"), s.attributes.get("http.status_code")) for s in ex.get_finished_spans()
    ]
    assert ("GET /items/{n}", "/items/{n}", 200) in names, names
    assert ("GET /boom", "/boom", 500) in names, names
    FastAPIInstrumentor.uninstrument_app(app)


def test_otel_global():
    import fastapi
    from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    ex = InMemorySpanExporter()
    tp = TracerProvider()
    tp.add_span_processor(SimpleSpanProcessor(ex))
    FastAPIInstrumentor().instrument(tracer_provider=tp)
    try:
        app = fastapi.FastAPI()

        @app.get("/items/{n}")
        async def read(n: int):
            return n

        c = TestClient(app)
        assert c.get("/items/3").json() == 3
        assert "GET /items/{n}" in [s.name for s in ex.get_finished_spans()]
    finally:
        FastAPIInstrumentor().uninstrument()
