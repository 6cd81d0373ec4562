"""The palette and the style sheet of a page. Knows no document.

Numbers are black on pale fills in both themes; inks for words and signs are chosen for each theme, with a contrast of
at least 4.5 to what they stand on. Colour never carries meaning alone: the learnable frame is heavy, the gradient's is
double, what is crossed out is struck through, and captions and titles say the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

# what differs between the themes: (light, dark)
INKS: Mapping[str, tuple[str, str]] = MappingProxyType({
    "paper": ("#ffffff", "#1b1c1e"),
    "ink": ("#1a1a1a", "#e8e8e6"),
    "grey": ("#5f6368", "#a9adb3"),
    "line": ("#c4c7cb", "#53565b"),
    "bar": ("#8b8f94", "#7d8187"),
    "forward": ("#a84f00", "#f0a35c"),
    "backward": ("#0d5bdc", "#86b4ff"),
    "update": ("#c62828", "#ff8a80"),
    "answers": ("#1b6e2f", "#7fcb8f"),
    "learnable": ("#d91414", "#ff5c5c"),
    "carried": ("#2f6b1f", "#8fce7a"),
    "ring": ("#6a1b9a", "#d7a6ff"),
    "glow": ("#f0e2f8", "#3a2a48"),
})  # fmt: skip

# what is the same in both: fills, with the text that stands on them
FILLS: Mapping[str, tuple[str, str]] = MappingProxyType({
    "given": ("#fff2cc", "#000000"),
    "activation1": ("#e2f0d9", "#000000"),
    "activation2": ("#c5e0b4", "#000000"),
    "activation3": ("#a9d18e", "#000000"),
    "output": ("#d2eef2", "#000000"),
    "loss": ("#fff176", "#000000"),
    "gradient": ("#c4d5ff", "#0b3d91"),
    "bias": ("#cfcfcf", "#000000"),
    "crossed": ("#9c9c9c", "#000000"),
    "zeroed": ("#9c9c9c", "#000000"),
    "chosen": ("#fff176", "#000000"),
    "blank": ("#fbe5d6", "#000000"),
})  # fmt: skip

BADGES: Mapping[str, str] = MappingProxyType({
    "forward": "#f6b26b", "backward": "#8fb4ff", "update": "#f4b6b6", "answers": "#bfe3c0",
})  # fmt: skip


def _theme(place: int) -> str:
    return "".join(f"--{name}:{inks[place]};" for name, inks in INKS.items())


def _fills() -> str:
    cells = "".join(
        f".nnsteps td.{name},.nnsteps .chip.{name}{{background-color:{fill};color:{on}}}\n"
        for name, (fill, on) in FILLS.items()
    )
    badges = "".join(
        f".nnsteps .{name}>summary>:is(h2,h3){{background:{fill};color:#000}}\n"
        f".nnsteps .number.{name},.nnsteps .hand.{name},.nnsteps .{name}>summary .words,"
        f".nnsteps .spine.{name} :is(.arrows,.down),.nnsteps .work.{name} .hand{{color:var(--{name})}}\n"
        f".nnsteps .spine.{name}{{--thread:var(--{name})}}\n"
        f".nnsteps .{name}>summary .rule{{border-top-color:var(--{name})}}\n"
        for name, fill in BADGES.items()
    )
    return cells + badges


_RULES = """
.nnsteps{--row:1.75rem;color:var(--ink);background:var(--paper);color-scheme:light dark;
 font:1rem/1.5 "Helvetica Neue",Arial,"Liberation Sans","DejaVu Sans",sans-serif;font-variant-numeric:tabular-nums;
 -webkit-print-color-adjust:exact;print-color-adjust:exact;-webkit-text-size-adjust:100%}
.nnsteps *{box-sizing:border-box}
.nnsteps article{max-width:75rem;margin:0 auto;padding:1.25rem 1.25rem 2.5rem}
.nnsteps :is(h1,h2,h3,h4,h5,p,ol,dl,dd){margin:0;padding:0}
.nnsteps ol{list-style:none}
.nnsteps math{font-family:"Latin Modern Math","STIX Two Math","Cambria Math","DejaVu Math TeX Gyre",math;
 font-size:1.08em}
.nnsteps .heard{position:absolute;width:1px;height:1px;margin:-1px;overflow:hidden;clip-path:inset(50%);
 white-space:nowrap;font-size:1px}
.nnsteps .gloss,.nnsteps .grey{color:var(--grey)}
.nnsteps .gloss{font-style:italic;font-size:.92em}

.nnsteps header.sheet{max-width:75rem;margin:0 auto;padding:1.25rem 1.25rem 0}
.nnsteps header.title{display:flex;flex-wrap:wrap;gap:.25rem 1.5rem;align-items:baseline;
 justify-content:space-between}
.nnsteps header :is(h1,h2){font-size:1.75rem;line-height:1.2;overflow-wrap:anywhere}
.nnsteps .origin,.nnsteps .points,.nnsteps .key-badge{color:var(--grey);font-size:.92rem;font-weight:normal}
.nnsteps .key-badge{border:1px solid var(--line);border-radius:.3rem;padding:0 .4rem}
.nnsteps .about{margin-top:.3rem;overflow-wrap:anywhere}
.nnsteps .pupil{display:flex;gap:2rem;margin:.9rem 0 .4rem;color:var(--grey)}
.nnsteps .pupil span{flex:1;border-bottom:1px solid var(--bar);max-width:18rem;min-height:1.9rem}
.nnsteps .pupil span:first-child{flex:2;max-width:34rem}
.nnsteps .map{display:flex;flex-wrap:wrap;gap:.35rem .5rem;align-items:center;margin:.9rem 0 .2rem}
.nnsteps .chip{padding:.1rem .6rem;border:1px solid var(--bar);border-radius:.2rem}
.nnsteps .chip.passing{background:none}
.nnsteps .way{color:var(--grey);display:inline-flex;gap:.45rem}
.nnsteps .way>span:first-child:not(:last-child){border-bottom:1px solid var(--bar);display:inline-flex;gap:.4rem}
.nnsteps .way .learnable{color:var(--learnable);font-weight:bold}
.nnsteps .way .used{color:var(--ink)}
.nnsteps dl.head,.nnsteps dl.below{margin-top:.8rem;display:grid;gap:.1rem 0}
.nnsteps dl>div{display:grid;grid-template-columns:6rem 1fr;gap:.8rem}
.nnsteps dl.below>div{grid-template-columns:minmax(6rem,max-content) 1fr}
.nnsteps dt{color:var(--grey)}
.nnsteps dl.below dt{color:var(--ink);font-weight:bold}
.nnsteps dd{white-space:pre-wrap;overflow-wrap:anywhere;min-width:0}

.nnsteps .section{margin-top:1.6rem}
.nnsteps .section>summary{display:flex;align-items:center;cursor:pointer;list-style:none;margin-bottom:.9rem}
.nnsteps summary::-webkit-details-marker{display:none}
.nnsteps .section>summary>:is(h2,h3){font-size:1rem;letter-spacing:.05em;padding:.15rem .8rem;
 overflow-wrap:anywhere;min-width:0}
.nnsteps .section>summary .rule{flex:1 1 2rem;border-top:3px solid}
.nnsteps .section>summary .words{padding-left:.8rem}
.nnsteps .section:not([open])>summary .rule{border-top-style:dotted}
.nnsteps .section:not([open])>summary>:is(h2,h3)::after{content:" …"}
.nnsteps summary:focus-visible,.nnsteps .scroll:focus-visible{outline:2px solid var(--ring);outline-offset:2px}

.nnsteps .scroll{position:relative;overflow-x:auto;padding:4px 4px 6px;margin-bottom:1.1rem}
.nnsteps .spine{display:grid;
 grid-template-columns:minmax(9rem,max-content) minmax(2rem,min-content) max-content max-content;width:max-content}
.nnsteps .step{display:grid;grid-template-columns:subgrid;grid-column:1/-1;
 grid-template-rows:auto calc(var(--row)*var(--lines,1)) auto;align-items:start}
.nnsteps .step.start{grid-template-rows:auto auto auto}
.nnsteps .step.start+.step.start{margin-top:.35rem}
.nnsteps .heading{grid-column:1/3;grid-row:1;font-size:1rem;width:0;min-width:100%;align-self:end;
 line-height:var(--row)}
.nnsteps .heading.wide{grid-column:1/-1;white-space:nowrap;margin-top:.5rem}
.nnsteps .heading .gloss{font-weight:normal;margin-left:.8rem}
.nnsteps .down{grid-column:3;grid-row:1/3;align-self:end}
.nnsteps .down>div{display:flex;height:var(--row)}
.nnsteps .down span{text-align:center;line-height:var(--row)}
.nnsteps .down>div:not(:last-child){color:var(--ink)}
.nnsteps .left{grid-column:1/3;grid-row:3;display:flex;justify-content:flex-end;gap:.5rem;padding-right:.6rem;
 align-items:start}
.nnsteps .left.framed{grid-column:1;padding-right:.35rem}
.nnsteps .under-tops{padding-top:var(--row)}
.nnsteps .left.framed table{margin-top:calc(-1*var(--row))}
.nnsteps .result{grid-column:3;grid-row:3;position:relative}
.nnsteps .result>.name{position:absolute;left:100%;top:0;padding-left:.5rem}
.nnsteps .result>.folded{width:0;min-width:100%;font-size:.85rem}
.nnsteps .name{font-weight:bold;line-height:var(--row);white-space:nowrap}
.nnsteps .arrows{grid-column:2;grid-row:3;text-align:center}
.nnsteps .arrows li{height:var(--row);line-height:var(--row)}
.nnsteps .arithmetic{grid-column:4;grid-row:2/4;padding-left:1.6rem;white-space:nowrap}
.nnsteps .start>.arithmetic{grid-row:3}
.nnsteps .caption{min-height:var(--row);line-height:var(--row);white-space:nowrap}
.nnsteps summary.caption{cursor:pointer;list-style:none}
.nnsteps details:not([open])>summary.caption::after{content:" …";color:var(--grey)}
.nnsteps .caption .number{font-weight:bold;display:inline-block;min-width:1.3rem}
.nnsteps .caption .formula{font-weight:bold;margin-right:.6rem}
.nnsteps .caption :is(.gloss,.hand){margin-left:.3rem;font-size:.92rem}
.nnsteps .captions{margin-bottom:.6rem;display:flex;flex-wrap:wrap;gap:0 2.5rem;align-items:baseline}
.nnsteps .captions .caption{white-space:normal;height:auto}
.nnsteps .hand{font-style:italic}
.nnsteps b.hand{font-style:normal}

.nnsteps .work{display:grid;grid-auto-rows:var(--row);white-space:nowrap}
.nnsteps .work li{line-height:var(--row);height:var(--row);padding:0 .3rem 0 1.6rem}
.nnsteps .work .t{display:inline-block;min-width:calc(var(--c,0)*1ch)}
.nnsteps .work .t.first{text-align:right}
.nnsteps .work b{display:inline-block;text-align:right;min-width:calc(var(--c,0)*1ch);
 padding-right:calc(var(--r,0)*1ch)}
.nnsteps .work :is(.zero,.relation){color:var(--grey)}
.nnsteps .work .relation{padding:0 .35rem}
.nnsteps .work .gloss{padding-left:.9rem}
.nnsteps .work .gap{display:inline-block;width:1.8rem}
.nnsteps .work .more{display:inline-block;width:1.4rem}
.nnsteps .work .note{color:var(--grey);font-style:italic;font-size:.95rem}
.nnsteps .work .says{white-space:normal}
.nnsteps .work .room{border-bottom:1px dotted var(--bar);width:19rem;max-width:100%}
.nnsteps sup{font-size:.72em;line-height:0}

.nnsteps .step.above{grid-template-rows:auto auto auto auto;align-items:end;padding-bottom:.7rem}
.nnsteps .step.above>.result{align-self:stretch;display:flex;flex-direction:column;justify-content:flex-end}
.nnsteps .step.above:not(:first-child)>.result::before{content:"";flex:1;width:2px;
 margin-left:calc(var(--cell)/2 - 1px);background:var(--thread)}
.nnsteps .over{grid-column:1/-1;grid-row:2;width:0;min-width:100%}
.nnsteps .operands{flex-direction:column;align-items:stretch}
.nnsteps .operands .row{display:flex;align-items:flex-end;justify-content:flex-end;gap:.5rem}
.nnsteps .between li{height:var(--row);line-height:var(--row)}
.nnsteps .words{min-width:6.5rem}
.nnsteps .words li{height:var(--row);line-height:var(--row);white-space:pre}
.nnsteps .words .stop{font-weight:bold}
.nnsteps .corner{grid-column:4;grid-row:3;padding-left:1.2rem}
.nnsteps .corner>.caption span{margin-right:.4rem}
.nnsteps .picture{display:grid;grid-template-columns:max-content max-content max-content;justify-content:start}
.nnsteps .picture>.name{grid-column:1;grid-row:1;text-align:right;padding-right:.5rem}
.nnsteps .picture>.top{grid-column:2;grid-row:1;display:flex}
.nnsteps .picture>.arrows{grid-column:1;grid-row:2;align-self:end;text-align:left}
.nnsteps .picture>.product{grid-column:2;grid-row:2}
.nnsteps .picture>.work{grid-column:3;grid-row:2;padding-top:var(--row);padding-left:.4rem}
.nnsteps .ones{display:flex;flex-direction:column}
.nnsteps .ones span{height:var(--row);line-height:var(--row);text-align:center}
.nnsteps .below{grid-column:3/-1;grid-row:4;width:0;min-width:100%}

.nnsteps table:is(.grid,.frame){border-collapse:collapse;table-layout:fixed;font-size:1rem;line-height:1.2}
.nnsteps table caption{height:0;line-height:0;font-size:0}
.nnsteps :is(.grid,.frame) :is(td,th){padding:0;height:var(--row);white-space:nowrap;text-align:center;
 vertical-align:middle}
.nnsteps :is(.grid,.frame) tbody td{border:1px solid var(--bar);font-size:calc(1rem*var(--s,1));overflow:hidden}
.nnsteps :is(.grid,.frame) tbody td::before{content:"";display:inline-block;width:calc(var(--l,0)*1ch)}
.nnsteps :is(.grid,.frame) tbody td::after{content:"";display:inline-block;width:calc(var(--r,0)*1ch)}
.nnsteps :is(.grid,.frame) tbody th{font-weight:normal;font-size:.9rem;text-align:right;padding-right:.35rem;
 color:var(--grey)}
.nnsteps tr.unseen :is(td,th){height:0;line-height:0;font-size:0;padding:0}
.nnsteps tr.names th{line-height:var(--row);overflow:visible}
.nnsteps tr.tops th{font-size:.92rem}
.nnsteps tr.plane td{border-top-width:3px!important}
.nnsteps tr.fold td{color:var(--grey)}
.nnsteps .frame tbody td{border-color:var(--line)}
.nnsteps .frame td.part{border-left:2px solid var(--bar)!important}
.nnsteps .frame.learnable tbody{outline:3px solid var(--learnable)}
.nnsteps .frame.gradient tbody{outline:4px double var(--backward)}
.nnsteps .frame.learnable td.part{border-left-color:var(--learnable)!important}
.nnsteps .frame.gradient td.part{border-left-color:var(--backward)!important}
.nnsteps .frame.gradient td,.nnsteps td.gradient{font-weight:bold}
.nnsteps td:is(.output,.loss){font-weight:bold}
.nnsteps td.unchanged{color:var(--grey)}
.nnsteps td.bias.unchanged{color:#4a4a4a}
.nnsteps td.new:not(.unchanged){font-weight:bold}
.nnsteps td.chosen{font-weight:bold}
.nnsteps td .won{font-size:.8em;position:absolute}
.nnsteps td.blank{background-image:linear-gradient(#9a7350,#9a7350);background-size:60% 1px;
 background-position:50% 80%;background-repeat:no-repeat}
.nnsteps .grid.spaced{border-collapse:separate;border-spacing:0}
.nnsteps .spaced tbody td{border:solid transparent;border-width:0 .6rem;background-clip:padding-box;
 box-shadow:inset 1px 0 var(--bar),inset -1px 0 var(--bar),inset 0 1px var(--bar)}
.nnsteps .spaced tbody tr:last-child td{box-shadow:inset 1px 0 var(--bar),inset -1px 0 var(--bar),
 inset 0 1px var(--bar),inset 0 -1px var(--bar)}
.nnsteps .carry{grid-column:3;position:relative;color:var(--carried);pointer-events:none}
.nnsteps .carry i{position:absolute;top:calc(var(--row)*(var(--above,0) + .5));font-style:normal;font-size:.8rem;
 line-height:0}
.nnsteps .carry .up{bottom:calc(var(--row)/2);border:dashed 2px;border-width:0 2px 2px 0}
.nnsteps .carry .on{border-top:2px dashed}
.nnsteps .carry .on::after{content:"▸";position:absolute;right:-.1rem;top:-.1rem}
.nnsteps table.turns{border-collapse:collapse}
.nnsteps .turns :is(td,th){padding:0 2.4rem 0 0;text-align:left;height:var(--row);white-space:nowrap}
.nnsteps .turns tbody th{font-weight:normal;color:var(--grey);padding-right:1.6rem}
.nnsteps table.work{display:table}
.nnsteps .frames{display:flex;flex-wrap:wrap;gap:1.4rem 2.2rem;align-items:flex-start}
.nnsteps .block{position:relative;max-width:100%;overflow-x:auto;padding:4px}
.nnsteps .block{min-width:min(100%,15rem)}
.nnsteps .block .work{width:0;min-width:100%}
.nnsteps .block .work li{padding-left:0}
.nnsteps .answers{border-collapse:collapse}
.nnsteps .answers>thead th{color:var(--grey);font-weight:normal;text-align:left;padding:0 2rem .3rem 0}
.nnsteps .answers>tbody>tr>*{padding:.3rem 2rem .3rem 0;text-align:left;vertical-align:top;white-space:nowrap}

.nnsteps td.lit{outline:3px solid var(--ring);outline-offset:-2px;position:relative}
.nnsteps td.source{outline:3px dashed var(--ring);outline-offset:-3px;position:relative}
.nnsteps td[data-from]{cursor:help}
.nnsteps li.lit{background:var(--glow);box-shadow:inset 3px 0 var(--ring)}

@media screen and (max-width:46rem){
 .nnsteps article{padding:.9rem .75rem 2rem}
 .nnsteps .section>summary .words{display:none}
 .nnsteps dl>div,.nnsteps dl.below>div{grid-template-columns:1fr;gap:0}
@NARROW@}
@page{margin:14mm}
@media print{
 html{font-size:9.5pt}
 body{margin:0}
 .nnsteps article{max-width:none;padding:0;break-after:page}
 .nnsteps article:last-child{break-after:auto}
 .nnsteps .scroll{overflow:visible;zoom:var(--zoom,1)}
 .nnsteps :is(.step,.block,.answers tr,dl>div){break-inside:avoid}
 .nnsteps :is(.section>summary,.heading,header){break-after:avoid}
 .nnsteps .section{margin-top:1.1rem}
@WIDE@}
"""

# the arithmetic under the caption, above the picture: on narrow screens, and on paper where the picture is wide
_STACKED = """
 @{grid-template-columns:minmax(5rem,max-content) minmax(1.6rem,min-content) minmax(max-content,1fr);width:100%;
 min-width:max-content}
 @ .step{grid-template-rows:auto auto auto auto}
 @ .heading{grid-column:1/-1;width:auto}
 @ .arithmetic,@ .start>.arithmetic{grid-column:1/-1;grid-row:2;padding:0;width:0;min-width:100%;overflow-x:auto}
 @ .arithmetic{position:relative;background:var(--paper)}
 @ .down{grid-row:3}
 @ .step>:is(.left,.result,.arrows){grid-row:4}
 @ .work li{padding-left:.4rem}
 @ .step.above{grid-template-rows:auto}
 @ .step.above :is(.left,.result){grid-row:3}
 @ .corner{grid-column:1/-1;grid-row:4;padding:.5rem 0 0;width:0;min-width:100%;overflow-x:auto}
 @ .corner>.caption{height:auto;white-space:normal}
 @ .below{grid-column:1/-1;grid-row:5}
"""

LIGHT, DARK = _theme(0), _theme(1)
STYLE = (
    f"\nbody{{margin:0;background:{INKS['paper'][0]}}}\n.nnsteps{{{LIGHT}}}\n"
    f"@media screen and (prefers-color-scheme:dark){{body{{background:{INKS['paper'][1]}}}.nnsteps{{{DARK}}}}}"
    + _RULES.replace("@NARROW@", _STACKED.replace("@", ".nnsteps .spine")).replace(
        "@WIDE@", _STACKED.replace("@", ".nnsteps .spine.wide")
    )
    + _fills()
)
