"""The style sheet of the experiment's page: light and dark as the reader's machine has it, paper, and a phone's width.

Colours are those of the window. Nothing is fetched: no font, no picture, no script.
"""

STYLE = """
:root { color-scheme: light dark; --ground: #f6f5f2; --surface: #fff; --line: #dcdad3; --text: #1e2227;
  --muted: #5f656d; --accent: #2f5fb3; --warning: #8a5a00; --warm: #fbf3e2 }
@media screen and (prefers-color-scheme: dark) { :root { --ground: #16181c; --surface: #1f2227; --line: #3a3f47;
  --text: #e9eaec; --muted: #a3a9b2; --accent: #8ab0f5; --warning: #e8b54d;
  --warm: #2e2a20 } }
* { box-sizing: border-box }
body { margin: 0; background: var(--ground); color: var(--text); overflow-wrap: break-word;
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif }
main { max-width: 62rem; margin: 0 auto; padding: 2.5rem 1.5rem 4rem }
h1 { font-size: 1.9rem; line-height: 1.2; margin: .2rem 0 0 }
h2 { font-size: 1.35rem; margin: 3rem 0 .75rem; padding-top: 1.25rem; border-top: 1px solid var(--line) }
h3 { font-size: 1.05rem; margin: 1.75rem 0 .5rem }
h4 { font-size: .95rem; margin: 1rem 0 .25rem }
p { margin: .5rem 0; max-width: 46rem }
ul, ol { margin: .5rem 0; padding-left: 1.4rem; max-width: 46rem }
a { color: var(--accent) }
code { font: .9em/1.4 ui-monospace, "SF Mono", Consolas, "DejaVu Sans Mono", monospace }
.muted, figcaption, .kind, .nothing, .tile span, .tile small { color: var(--muted) }
.kind { font-size: .875rem }
.lead { font-size: 1.2rem; line-height: 1.5; margin: 1.25rem 0; max-width: 48rem }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(12.5rem, 1fr)); gap: .9rem; margin: 1.5rem 0 }
.tile, .sample, .run { background: var(--surface); border: 1px solid var(--line); border-radius: 10px }
.tile { padding: .9rem 1.1rem }
.tile b { display: block; font-size: 1.9rem; line-height: 1.25; font-weight: 650; font-variant-numeric: tabular-nums }
.tile span { display: block; font-size: .9rem; line-height: 1.35 }
.tile small { display: block; font-size: .8rem; margin-top: .25rem }
.care { background: var(--warm); border-left: 4px solid var(--warning); border-radius: 4px; padding: .6rem 1.1rem;
  margin: 1.5rem 0 }
.care h2 { all: unset; display: block; font-weight: 650; color: var(--warning) }
.care ul { margin: .3rem 0; max-width: none }
nav { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; font-size: .95rem; margin-top: 1.5rem }
.nothing { font-style: italic }
.wide { overflow-x: auto; margin: .75rem 0 }
table { border-collapse: collapse; font-size: .93rem; font-variant-numeric: tabular-nums }
th { font-weight: 600; color: var(--muted); font-size: .85rem; vertical-align: bottom }
td, th { text-align: left; padding: .35rem 1.4rem .35rem 0; vertical-align: top; border-bottom: 1px solid var(--line) }
td:last-child, th:last-child { padding-right: 0 }
td small { color: var(--muted) }
.n { text-align: right }
.n, .line { white-space: nowrap }
.figures { display: flex; flex-wrap: wrap; gap: 1rem; margin: 1rem 0; align-items: flex-start }
.figures > .wide { margin: 0; max-width: 100% }
figure { margin: 0; width: 25rem; max-width: 100% }
svg { display: block; max-width: 100%; height: auto }
svg text { fill: var(--muted) }
figcaption { font-size: .875rem; margin-top: .25rem }
.legend { display: flex; flex-wrap: wrap; gap: .1rem 1rem; font-size: .85rem; margin-top: .25rem }
.legend i { display: inline-block; width: .75rem; height: .75rem; border-radius: 3px; margin-right: .4rem }
.run { padding: .25rem 1.25rem 1rem; margin: 1.25rem 0 }
.run .figures { margin-bottom: .25rem }
.sample { padding: 1rem 1.25rem; margin: 1rem 0; break-inside: avoid }
.sides { display: grid; grid-template-columns: 1fr 1fr; gap: 1rem 1.5rem; margin-top: .75rem }
.sides > div { min-width: 0 }
.prompt { font-weight: 600; white-space: pre-wrap }
.quote { white-space: pre-wrap; overflow-wrap: anywhere; margin: .25rem 0; padding-inline-start: .8rem;
  border-inline-start: 3px solid var(--line) }
.after .quote { border-color: var(--accent) }
details { margin: .75rem 0 } summary { cursor: pointer; color: var(--accent) }
dl { max-width: 48rem } dt { font-weight: 600; margin-top: .6rem } dd { margin: 0; color: var(--muted) }
footer { margin-top: 3rem; padding-top: 1rem; border-top: 1px solid var(--line); font-size: .875rem;
  color: var(--muted) }
@media (max-width: 40rem) { main { padding: 1.5rem 1rem 3rem } h1 { font-size: 1.5rem } .lead { font-size: 1.08rem }
  .sides { grid-template-columns: 1fr } .tiles { grid-template-columns: 1fr 1fr; gap: .6rem }
  .tile { padding: .7rem .8rem } .tile b { font-size: 1.5rem } .run { padding: .25rem .9rem .75rem } }
@media print { @page { margin: 16mm } :root { --ground: #fff } body { font-size: 11pt } nav { display: none }
  main { max-width: none; padding: 0 } h2, h3 { break-after: avoid } figure, .tile, tr, .care { break-inside: avoid }
  ::details-content { content-visibility: visible; block-size: auto } .wide { overflow: visible } }
"""
