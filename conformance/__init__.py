"""What others' tests say about Fenrir and Asteri: `python -m conformance` and `python -m conformance.autobahn`."""
