# A front door to make.py, which does the same where there is no make: `python make.py app`.
#   make app [DATA=folder of photos] [MODEL=model file] [PORT=8866]
#   make test | lint | bench | bench-NAME | setup | clean
PYTHON ?= python3
export DATA MODEL PORT FULL PARTS

.PHONY: help app test lint bench setup clean
help app test lint bench setup clean:
	@$(PYTHON) make.py $@

bench-%:
	@$(PYTHON) make.py $@
