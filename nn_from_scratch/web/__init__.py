"""The live page: a network that trains in front of your eyes, in a browser. `python -m nn_from_scratch.web`

Training is `TrainingRun` and `fit`, as in train.py; what is added here only looks on, and lets the page steer. One
thread does all the computing, so that there are no locks around numbers. Read the files in this order:

1. feed.py            batches whose size may change from step to step
2. start.py           where a training begins: from a preset, a file, an experiment (experiments.py)
   live_run.py        one training from there, and what is kept of its way: curve.py, trail.py
   stage.py           the image that is shown, and the lesson of a single step
3. trainer.py         the thread that trains, and does what the page asks between two steps
4. frames.py          what is shown: pure functions from a network and an example to plain dictionaries
5. inspection.py      one neuron's sum with its numbers, the guess at a drawing, the images behind a confusion
6. hub.py             from the one who publishes to those who watch: only the newest of each kind is kept
7. limits.py          what the page may ask for
8. api.py             the routes: a question or a command, and what the trainer answers
9. viewers.py         the pages that watch, each asking for what it has not got yet
10. presenter.py      who may steer before an audience; pupils.py: a training for each browser
11. server.py         all of it over HTTP, and the rules that keep other web sites out; addresses.py: where it is found
12. static/           the page itself: HTML, CSS and JavaScript modules, as they are

And without a server, in the browser itself:

13. in_browser.py     the trainer in slices, and the page of a worker that it answers
14. static_site.py    the page as a folder of files: pyodide_files.py says where the browser's Python comes from
"""
