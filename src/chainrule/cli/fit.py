"""`chainrule fit`: a table goes in, a trained network comes out."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chainrule.cli.options import parse_sizes
from chainrule.cli.reading import DayFirst, Decimal, Delimiter, Encoding, Missing, NoHeader, Weight
from chainrule.cli.settings import parse_settings

if TYPE_CHECKING:
    from chainrule.table_models.fitting import Prepared
    from chainrule.table_models.table_model import TableModel

AUTO = "auto"


def command(
    table: Annotated[
        Path | None,
        typer.Argument(
            metavar="TABLE", help="CSV (may be gzip), Parquet or JSON file. Without: handwritten digits."
        ),
    ] = None,
    target: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN", help="Column to predict; may be repeated for several of numbers."),
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="MODEL", help="File to save the model to.")] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Let MODEL replace a file that is no model.")
    ] = False,
    task: Annotated[
        str,
        typer.Option(
            metavar="TASK", help="classification or regression; by default what the target suggests."
        ),
    ] = AUTO,
    ignore: Annotated[
        list[str] | None, typer.Option(metavar="COLUMN", help="Column not to use; may be repeated.")
    ] = None,
    weight: Weight = None,
    missing: Missing = None,
    text: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COLUMN", help="Column of categories, even if they look like numbers; may be repeated."
        ),
    ] = None,
    number: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN", help="Column of numbers; what is none is missing; may be repeated."),
    ] = None,
    decimal: Decimal = None,
    day_first: DayFirst = None,
    delimiter: Delimiter = None,
    encoding: Encoding = None,
    no_header: NoHeader = False,
    preset: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="fast, default, best: an ensemble, chosen from 1, 4 or 32 networks; plain: one network, as "
            "the options marked (plain) describe it.",
            show_default="default; plain where one of those is given",
        ),
    ] = None,
    time_budget: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="That the fit of an ensemble may take.")
    ] = None,
    folds: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Train each network of an ensemble so many times, each without another part of the rows.",
        ),
    ] = None,
    hidden: Annotated[
        str | None,
        typer.Option(metavar="SIZES", help="(plain) Widths of the hidden layers.", show_default="128,128"),
    ] = None,
    activation: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="(plain) Of the hidden layers: one, or one for each: relu,tanh.",
            show_default="relu",
        ),
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option("--epochs", "--max-iter", min=1, help="(plain) At most so many.", show_default="200"),
    ] = None,
    patience: Annotated[
        int | None,
        typer.Option(
            min=1, help="(plain) Stop when more epochs in a row were not better.", show_default="20"
        ),
    ] = None,
    batch_size: Annotated[
        int | None,
        typer.Option(min=1, help="(plain) Rows per step.", show_default="16 to 256, by the number of rows"),
    ] = None,
    learning_rate: Annotated[
        float | None, typer.Option(help="(plain) Step size.", show_default="0.001")
    ] = None,
    l2: Annotated[
        float | None, typer.Option(help="(plain) Penalty on the weights.", show_default="0.0001")
    ] = None,
    test_fraction: Annotated[float, typer.Option(help="Share of the rows held out to report on.")] = 0.2,
    validation_fraction: Annotated[
        float | None,
        typer.Option(
            help="(plain) Share of the other rows that chooses the epoch.",
            show_default="0.1; 0.2 of fewer than 1,000",
        ),
    ] = None,
    dtype: Annotated[
        str | None,
        typer.Option(metavar="TYPE", help="(plain) float32 or float64.", show_default="float32"),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="The same seed, the same model.")] = 0,
    threads: Annotated[int | None, typer.Option(min=1, help="By default OpenMP's own setting.")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="(plain) Any further parameter of the estimators, such as dropout=0.1 or solver=adamw; "
            "may be repeated.",
        ),
    ] = None,
    checkpoint: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Keep the state of the training there. Without --preset: of a plain network.",
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the checkpoint, if it is there already.")
    ] = False,
    memory: Annotated[
        str | None,
        typer.Option(
            metavar="SIZE",
            help="(plain) Read Parquet, or CSV converted to it, while training; about so much for rows: 2GB.",
        ),
    ] = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Do not show how far the training is.")
    ] = False,
) -> None:
    """Learn to predict a column of TABLE from the others.

    By default an ensemble of networks is fitted. Numbers, text, dates and missing values are handled. A part
    of the rows is held out, and the model is measured on it beside the simplest prediction. What was guessed
    of the columns is shown before the training begins; an option overrides each guess.
    """
    from chainrule.table_models.posing import question
    from chainrule.table_models.settings import fit_settings

    sizes = None if hidden is None else parse_sizes(hidden, "--hidden")
    parameters = parse_settings(settings or [])
    if checkpoint is not None:
        parameters["checkpoint"] = str(checkpoint)
    elif resume:
        raise typer.BadParameter("it needs --checkpoint FILE to go on from", param_hint="'--resume'")
    if table is None and (target or ignore):
        raise typer.BadParameter("it needs a TABLE", param_hint="'--target'" if target else "'--ignore'")
    activations = None if activation is None else [name.strip() for name in activation.split(",")]
    asked = question(
        (target or []) if table is not None else ["digit"],
        task=None if task == AUTO else task,
        ignore=ignore or [],
        weight=weight,
        decimal=decimal,
        missing=missing or [],
        text=text or [],
        number=number or [],
        day_first=day_first,
        delimiter=delimiter,
        encoding=encoding,
        header=not no_header,
    )
    wanted = fit_settings(
        task=asked.task,
        preset=preset,
        time_budget=time_budget,
        n_folds=folds,
        hidden_layer_sizes=sizes,
        activation=activations[0] if activations is not None and len(activations) == 1 else activations,
        learning_rate=learning_rate,
        l2=l2,
        batch_size=batch_size,
        epochs=epochs,
        patience=patience,
        validation_fraction=validation_fraction,
        test_fraction=test_fraction,
        dtype=dtype,
        random_state=seed,
        n_threads=threads,
        callback=None,
        resume=resume,
        memory=memory,
        parameters=parameters,
    )
    if out is not None:
        _check_out(out, force)
    try:
        _train(_digits() if table is None else table, asked, wanted, out, quiet, memory)
    except KeyboardInterrupt:
        if checkpoint is None or not checkpoint.exists():
            raise
        kept = f"{checkpoint} has what was finished; --checkpoint {checkpoint} --resume goes on from there"
        raise KeyboardInterrupt(kept) from None


def _train(table: Any, asked: Any, settings: Any, out: Path | None, quiet: bool, memory: str | None) -> None:
    from dataclasses import replace

    from chainrule.cli.progress import Reading, ensemble_progress, progress
    from chainrule.cli.report import print_evaluation, print_facts
    from chainrule.table_models.fitting import prepare
    from chainrule.table_models.posing import pose
    from chainrule.table_models.streamed import prepare_streamed
    from chainrule.table_models.table_model import TableModel

    if memory is None:
        prepared = prepare(pose(table, asked), settings)
    else:
        prepared = prepare_streamed(table, asked, settings, memory, None if quiet else Reading())
    print_facts(_facts(prepared))
    if settings.preset.is_plain:
        with progress(prepared.problem.task, settings.network["max_iter"], quiet=quiet) as show:
            model = TableModel.train(replace(prepared, settings=replace(settings, callback=show)))
    else:
        with ensemble_progress(quiet=quiet) as meter:
            model = TableModel.train(replace(prepared, settings=replace(settings, show=meter)))
    if out is not None:
        model.save(out)
    print_facts(_training_facts(model))
    if model.test is not None:
        print()
        print_evaluation(model.test, "Test rows", model.task)
    print()
    print(f"Saved to {out}" if out is not None else "Not saved; --out MODEL saves the model")


def _facts(prepared: "Prepared") -> list[tuple[str, str]]:
    """Return what was decided before the training."""
    from chainrule.cli.report import columns_text, left_out_text
    from chainrule.tables.class_target import ClassTarget

    problem, target = prepared.problem, prepared.target
    into = f" into {len(target.classes)} classes" if isinstance(target, ClassTarget) else ""
    names = ", ".join(map(repr, target.names))
    n_training, n_watched, n_test = (
        len(part.X) for part in (prepared.training, prepared.validation, prepared.test)
    )
    watched = f"{n_watched:,} to choose the epoch" if n_watched else "none to choose the epoch"
    preset = prepared.settings.preset
    rows = f"{n_training:,} to train, {watched}" if preset.is_plain else f"{n_training:,} to train and choose"
    facts = [
        ("Task", f"{problem.task} of {names}{into} ({problem.reason})"),
        ("Rows", f"{rows}, {n_test:,} to test"),
        ("Columns", columns_text(prepared.preprocessor, plain=preset.is_plain)),
    ]
    if preset.because:
        facts.append(("Preset", f"plain: {_option(preset.because)} asks for one network"))
    facts += [("Read" if k == 0 else "", note) for k, note in enumerate(problem.notes)]
    if prepared.preprocessor.left_out:
        facts.append(("Left out", left_out_text(prepared.preprocessor)))
    return facts


def _option(name: str) -> str:
    from chainrule.cli.options import option_of
    from chainrule.cli.settings import OPTIONS
    from chainrule.table_models.settings import USUAL

    own = (*USUAL, *OPTIONS, "resume", "memory")
    return option_of(name) if name in own else f"--set {name}"


def _training_facts(model: "TableModel") -> list[tuple[str, str]]:
    from chainrule.cli.report import ensemble_facts, network_text, steps_text

    if model.members:
        return ensemble_facts(model)
    training = model.training
    epochs = f"{training['epochs']} epochs, the parameters after epoch {training['best_epoch']} kept"
    seconds = f"{model.history[-1].seconds:.1f} s" if model.history else "done before"
    return [("Network", network_text(model)), ("Training", f"{epochs}; {steps_text(model)}; {seconds}")]


def _digits() -> Any:
    """Return scikit-learn's 1,797 handwritten digits of 8 x 8 pixels; the target is called "digit"."""
    import pyarrow as pa
    from sklearn.datasets import load_digits

    data = load_digits()
    return pa.table(dict(zip(data.feature_names, data.data.T, strict=True)) | {"digit": data.target})


def _check_out(out: Path, force: bool) -> None:
    """Find out before training whether the model can be saved, and that it replaces only a model."""
    from chainrule.files.atomic import check_writable
    from chainrule.files.errors import ModelFileError
    from chainrule.files.models import is_model_file

    check_writable(out)
    if out.exists() and out.stat().st_size and not force and not is_model_file(out):
        raise ModelFileError(
            f"{out} exists and is no model, so it is not replaced; hint: --force replaces it"
        )
