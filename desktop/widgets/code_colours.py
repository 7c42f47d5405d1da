"""Code in a fence of Markdown, coloured by Pygments. Only languages that are named and known, and no long pieces: its
rules are regular expressions, and what they read here is a stranger's."""

from desktop.theme import theme

LANGUAGES = {
    "python", "py", "javascript", "js", "typescript", "ts", "java", "c", "cpp", "c++", "csharp", "go", "rust", "ruby",
    "php", "bash", "sh", "sql", "html", "css", "json", "yaml", "toml", "r", "swift", "kotlin", "scala", "haskell",
    "lua", "diff",
}  # fmt: skip
#: Letters of one text's code that are coloured; what comes after them stays as it is.
LONGEST = 4_000
STYLES = {"light": "xcode", "dark": "github-dark"}


class Colours:
    """For the pieces of code of one text, one after another."""

    def __init__(self) -> None:
        self._left = LONGEST

    def of(self, code: str, language: str, _: str = "") -> str:
        """HTML of a piece; empty where it is to stay as it is."""
        if language.lower() not in LANGUAGES or len(code) > self._left:
            return ""
        self._left -= len(code)
        return _coloured(code, language)


def _coloured(code: str, language: str) -> str:
    from pygments import highlight  # most texts have no code
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import get_lexer_by_name

    style = STYLES[theme.current().name]
    found = highlight(code, get_lexer_by_name(language.lower(), stripnl=False), HtmlFormatter(
        nowrap=True, noclasses=True, style=style
    ))  # fmt: skip
    return str(found)
