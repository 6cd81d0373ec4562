"""Gradients and updates that a problem asks for: which values are meant, and under which names the answers are kept."""

from __future__ import annotations

from nnsteps import roles
from nnsteps.errors import GradientError, Place, UnknownName, nearest
from nnsteps.evaluate import evaluate, key_of
from nnsteps.families import member_name
from nnsteps.formula import Binary, Call, Expr, Index, Name, mentioned, to_text
from nnsteps.gradient import differentiate
from nnsteps.items import GRADIENTS
from nnsteps.problem import GradientItem, UpdateItem
from nnsteps.records import BACKWARD, UPDATE, Gradient, Step
from nnsteps.scope import Scope
from nnsteps.standing import Standing
from nnsteps.trace import Above


def gradient(here: Standing, item: GradientItem) -> None:
    scope = here.scope(item.of_place, "gradient")
    loss = evaluate(here.trace, item.of, scope)
    name = to_text(scope.shown(item.of))
    wanted = item.wrt or tuple(Name(given) for given in _default_wrt(here, loss, item.place))
    places = item.wrt_places if item.wrt else (item.place,) * len(wanted)
    above = here.trace.above(loss)
    found: list[tuple[Expr, int]] = []
    for expr, place in zip(wanted, places, strict=True):
        with here.mistakes.apart([GRADIENTS]):
            if not here.mistakes.lost & mentioned(expr):
                found += [(one, _wanted(here, one, name, above, place)) for one in _each(here, expr, above, place)]
    _differentiate(here, loss, name, [node for _, node in found], item.of_place)
    for expr, node in found:
        _keep_gradient(here, loss, name, expr, node, item.place)


def _differentiate(here: Standing, loss: int, name: str, wanted: list[int], place: Place | None) -> None:
    new = [node for node in dict.fromkeys(wanted) if (loss, node) not in here.slopes]
    finish = here.as_written if here.rounding == "each-step" else None
    expand = here.settings.expand
    gradients = differentiate(here.trace, loss, name, new, expand=expand, place=place, finish=finish)
    for node, gradient in gradients.items():
        here.slopes[loss, node] = gradient


def _each(here: Standing, expr: Expr, above: Above, place: Place | None) -> list[Expr]:
    """What a name under `wrt` means: the members of a family that the loss uses, a member, or the name ithere."""
    families = here.trace.families
    match expr:
        case Name(id=name) if name in families:
            members = families[name].members.values()
            found = [m for m in members if any(node in above for node in reversed(here.trace.names.get(m, ())))]
            if found:
                return [Name(member) for member in found]
        case Index(base=Name(id=name), items=items) if name in families:
            key = key_of(here.trace, items, here.scope(place, "gradient"))
            return [Name(families[name].find(key) or member_name(name, key))]
        case Index(base=Index() as base, items=items):
            return [Index(_each(here, base, above, place)[0], items)]
    return [expr]


def _wanted(here: Standing, expr: Expr, loss_name: str, above: Above, place: Place | None) -> int:
    """The node that a wanted name stood for when the loss was computed."""
    base = expr.base if isinstance(expr, Index) else expr
    if not isinstance(base, Name):
        raise GradientError(
            f"{to_text(expr)} is not a name", place=place, hint="Gradients are taken with respect to names."
        )
    versions = here.trace.names.get(base.id)
    if versions is None:
        near = nearest(base.id, here.now)
        raise UnknownName(
            f"there is no value called {base.id}", place=place, hint=f"Did you mean {near}?" if near else None
        )
    for node in reversed(versions):
        if node in above:
            return node
    if versions[-1] in here.trace.wordy:
        raise GradientError(
            f"{base.id} is words; words have no gradient", place=place, hint=f"Take {base.id} out of wrt."
        )
    if any(d.by in versions for d in here.trace.decisions):
        hint = "A choice has no gradient: it jumps."
        raise GradientError(f"{loss_name} uses {base.id} only to choose", place=place, hint=hint)
    raise GradientError(
        f"{loss_name} does not use {base.id}",
        place=place,
        hint=f"Its gradient would be 0 everywhere. Take {base.id} out of wrt, or use it before {loss_name}.",
    )


def _keep_gradient(here: Standing, loss: int, loss_name: str, expr: Expr, node: int, place: Place | None) -> int:
    trace, name = here.trace, f"d{loss_name}/d{to_text(expr).replace(', ', ',')}"
    gradient = here.slopes[loss, node]
    if isinstance(expr, Index):
        whole = f"d{loss_name}/d{to_text(expr.base)}"
        formula = Index(Name(whole), expr.items)
        scope = Scope({**here.now, whole: gradient}, place, inner=True)
        first = len(trace.nodes)
        gradient = evaluate(trace, formula, scope)
        key = trace.bind(name, gradient)
        trace.add_step(
            Step(
                len(trace.steps) + 1,
                name,
                key,
                BACKWARD,
                gradient,
                formula,
                (),
                {whole: here.slopes[loss, node]},
                first,
                of=node,
                loss=loss,
            )
        )
    found = (s.index for s in reversed(trace.steps) if s.node == gradient and s.name == name)
    step = next(found, 0)
    trace.gradients.append(Gradient(loss, loss_name, name, node, gradient, step))
    return gradient


def _default_wrt(here: Standing, loss: int, place: Place | None) -> list[str]:
    places = {name: place for place, name in enumerate(here.trace.given, 1)}
    used = here.trace.given_of(loss)
    found = [name for name in roles.learnable(here.trace) if used >> places[name] & 1]
    if not found:
        raise GradientError(
            "it is not clear what to differentiate with respect to", place=place, hint="Say it: wrt: [W, b]."
        )
    return found


def grad_call(here: Standing, call: Call, scope: Scope) -> int:
    if len(call.args) != 2 or call.options:
        raise GradientError(
            f"grad needs a loss and a name, as in grad(L, W); found {to_text(call)}", place=scope.at(call)
        )
    loss_expr, wrt = call.args
    loss = evaluate(here.trace, loss_expr, scope)
    name, above = to_text(scope.shown(loss_expr)), here.trace.above(loss)
    one, *others = _each(here, wrt, above, scope.at(wrt))
    if others:
        hint = f"Take one member: grad({name}, {to_text(one)})."
        raise GradientError(f"{to_text(wrt)} has several members", place=scope.at(wrt), hint=hint)
    node = _wanted(here, one, name, above, scope.at(wrt))
    if isinstance(one, Name):
        scope.picked[id(wrt)] = (one, node)
    _differentiate(here, loss, name, [node], scope.at(loss_expr))
    return _keep_gradient(here, loss, name, one, node, scope.at(wrt))


def update(here: Standing, item: UpdateItem) -> None:
    trace = here.trace
    latest = {gradient.wrt: gradient for gradient in trace.gradients}
    changed = [name for name in roles.learnable(trace) if here.now.get(name) in latest]
    if not changed:
        raise GradientError(
            "there is nothing to update: no gradient of a learnable value was computed before",
            place=item.place,
            hint="Put gradient: {of: L, wrt: [W, b]} before update.",
        )
    rate = here.scope(item.rate_place, "update").shown(item.rate)
    for name in changed:
        node = here.now[name]
        gradient = latest[node]
        old = trace.keys[node]
        slope = trace.steps[gradient.step - 1].key if gradient.step else gradient.name
        formula = Binary("-", Name(old), Binary("*", rate, Name(slope)))
        uses = {old: node, slope: gradient.node}
        first = len(trace.nodes)
        new = evaluate(trace, formula, Scope({**here.now, **uses}, item.rate_place, inner=True, step=name))
        if here.rounding == "each-step":
            new = here.as_written(new)
        key = trace.bind(name, new)
        here.now[name] = new
        trace.add_step(
            Step(
                len(trace.steps) + 1, name, key, UPDATE, new, formula, here.heading, uses, first, of=node,
                turns=here.turns,
            )
        )  # fmt: skip
