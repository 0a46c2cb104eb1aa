"""The live page: watch a network train in the browser. `python -m nn_from_scratch.web`

The training is `TrainingRun` and `fit`, as in train.py. The code here only watches it, and lets the page control it.
One thread does all the computing, so the numbers need no locks. Read the files in this order:

1. feed.py            batches whose size may change from step to step
2. start.py           where a training begins: from a preset, a file or an experiment (experiments.py)
   live_run.py        one training from there, and the records that are kept of it: curve.py, trail.py
   stage.py           the image that is shown, and the lesson of a single step
3. trainer.py         the thread that trains, and carries out the page's commands between two steps
4. frames.py          what the page shows: pure functions from a network and an example to plain dictionaries
5. inspection.py      one neuron's sum with its numbers, the answer to a drawing, the images in a confusion cell
6. hub.py             from the publisher to the watchers: only the newest event of each kind is kept
7. limits.py          what the page may ask for
8. api.py             the routes: a question or a command, and the trainer's answer
9. viewers.py         the pages that watch, each asking for what it doesn't have yet
10. presenter.py      who may control the training before an audience; pupils.py: a training for each browser
11. server.py         all of it over HTTP, and the rules that keep other web sites out; addresses.py: its addresses
12. static/           the page itself: HTML, CSS and JavaScript modules, unprocessed

And without a server, in the browser itself:

13. in_browser.py     the trainer in slices, and the part of the page's worker that answers the page
14. static_site.py    the page as a folder of files; pyodide_files.py: where the browser's Python comes from
"""
