"""Plumbline without its window.

errors, records, events, options, configs   plain data that everything else speaks
words                                       durations and sizes as they are said everywhere
catalogue, gold, metrics, resources         what there is to choose from, and what the numbers mean
store/          the project: a folder, one SQLite file, one module per noun
preferences/    from rankings to pairs
data/           importers and exporters, one file per format
jobs/           the queue of slow work as rows
models/         the base model: fetching, loading, adapters, generation        (torch from here down)
reward/         the reward model
rl/             rollouts, rewards, the loop; algorithms/ has one file per algorithm
compare/        two policies on the same prompts
worker.py       the other process: runs the jobs
cli.py          the commands of `python main.py`

Imports point one way: cli -> jobs, data -> preferences -> store; worker -> rl, reward -> models -> store.
"""
