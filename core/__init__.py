"""Plumbline without its window; imports point down this list, and `pyproject.toml` has them checked.

run_demo        the loop from nothing to a comparison; demo has its settings, demo_pack the shipped project
cli/            the commands of `python main.py`
worker          the other process: runs the jobs
compare/        two policies on the same prompts; a run done again beside what it recorded
rl/             rollouts, rankings, the loop; algorithms/ has one file per algorithm
reward/         the reward model, and the reward that everybody asks
models/         the base model: fetching, loading, adapters, generation            (torch from here up to compare);
                fast/ has hand-written speed-ups behind one switch
report/         how far a reward model can be trusted, and the whole experiment
projects/       archives, the trash, a summary of a project that is not open
guidance/       what to do next, in words
runs/           training runs as rows: checks, grids, rounds
data/           importers and exporters, one file per format
labeling/       a labeler's session, packs, gold rewards
machine/        base models and where they are kept, what computes, how much memory
jobs/           the queue of slow work as rows
preferences/    from rankings to pairs; agreement, bias
config/         job settings, algorithms, options, metrics
store/          the project: a folder, one SQLite file, one module per noun
errors, records, events, resources, humanize, markdown, texts, spreadsheets
                plain data and texts that everything else speaks
"""
