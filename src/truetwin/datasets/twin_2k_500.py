"""Twin-2K-500: 2058 people, 123 items, and twins made in thirteen ways."""

from __future__ import annotations

from truetwin.data import Panel
from truetwin.datasets.pinned_dataset import SYN_DIGITS, Dataset, datasets
from truetwin.errors import UnknownNameError
from truetwin.io import read_responses
from truetwin.registry import closest

_FOLDER = "data/2K500/synthetic_control"
# persona construction: sha256 of the human answers, of the twins' answers; in the order of paper A, table 4
CONSTRUCTIONS: dict[str, tuple[str, str]] = {
    "Text Persona - GPT4.1-mini": (
        "b14e481b291c92ce7ee4b79e6dba3ce23e1aa9538abfd7a29ddb7a0fb9d7b996",
        "7ad664e5b57a539a1d3f075663cbe847501135194484857a58f03095e92ee9b2",
    ),
    "Text Persona - Gemini-Flash2.5": (
        "30647096d1e5fb2d63678e40c0e64108ac249741591f7addfa37ced6e10926ef",
        "90265b284fdcb57d7b33deadf05b9b0998d4957b4558287b51022429b4d37339",
    ),
    "JSON Persona - GPT4.1-mini": (
        "aab08c38d3a6cf7579abe16816e18f8916a5ab5f4d15e9abc029c41217af2b49",
        "f98bfa739ed42e63b0aa43dc336ff0aa4a754ab0d0bcecfa2ad37dec846eda29",
    ),
    "JSON Persona - GPT4.1": (
        "3c067fe475fe9c5a088ea249d0957b506d5a5687fe82e68d1ef4251405fe76d2",
        "34592820c3990374c741f406672f18ad7d286daf27eb4251b6c23863c1ddc142",
    ),
    "Text Persona (Reasoning) - GPT4.1-mini": (
        "05f8915ec5520e090c40908a21fbb4967fe5c5780709ca183bc9c235d71047a2",
        "828d9d2cf76a07abec1017de198db6e1f823ef678ca73619003a450916eda86a",
    ),
    "Text Persona (Repeating Questions) - GPT4.1-mini": (
        "451fe6e47900d5cee812e1e75e865cbad9b19b7377be66bebd63e91f8a4c21da",
        "ee9f11b3a1da2800a5319b1b637d255eccbde54181a5339b30ff82d14230893e",
    ),
    "Text Persona (Default Temperature) - GPT4.1-mini": (
        "ba79933971492ceb2e05ee4248584211f443926112d6234fab8052640655244c",
        "27c8a1b91c0aa50f3127e03ca7201bdc4c9d4b7a24ae93f43f9bbd420b2e0db4",
    ),
    "JSON Persona (Predicted Output) - GPT4.1-mini": (
        "1f19bae8996fdc45e9e212650bffc1dfa1a5e0fb2432f0c7496823385adfa993",
        "2ba3360bf9abe9a81e3b3fe5037cf396291e39080bb7499a076c20e4679ead01",
    ),
    "JSON Persona (Predicted Output) - GPT4.1": (
        "6295cba02f0da5542858ea21588dfb3874dac672f79b70f5325e809824f0d1d5",
        "89cb8fee46e2bd58f237c2e31bce15ea94f030166ba16331803be30f79cf2d81",
    ),
    "LLM Finetuning (500 training samples) - GPT4.1-mini": (
        "e8063f379edd6b2ff6b78dad95d1e25809eff45581b8a337e0a575828051366f",
        "4673f3469c2926a490a57dafd17eef5fa3ffdd9dea00ac3acd040901f2a8b6c1",
    ),
    "Demographics Only - GPT4.1-mini": (
        "3c5d3c61c3796c6e57de37640620ad7ace4fd304d80b477474568b1f41453d38",
        "b87bad248a8b882f4198c777ab287576291af730e37c53e43ce3a42e14dc9695",
    ),
    "Persona Summary - GPT4.1-mini": (
        "3c5d3c61c3796c6e57de37640620ad7ace4fd304d80b477474568b1f41453d38",
        "4c4ca685657881d50ad1bef3294c7d530e901571cd79ec014de59bea09414042",
    ),
    "Persona Summary - JSON Persona - GPT4.1-mini": (
        "3c5d3c61c3796c6e57de37640620ad7ace4fd304d80b477474568b1f41453d38",
        "ef11162daec8fc4cb94032fbc6102ef836375df1fa1d038251c0ac34e3e86831",
    ),
}
DEFAULT_CONSTRUCTION = "Text Persona - GPT4.1-mini"


def load(construction: str = DEFAULT_CONSTRUCTION) -> Panel:
    """Load the human and twin answers of one persona construction.

    A *construction* is one way to make the twins: model, persona text and how questions are put (paper A, section A.3).

    Parameters
    ----------
    construction : str
        One of :data:`CONSTRUCTIONS`.

    Returns
    -------
    Panel
        Up to 2058 respondents by 123 items, 23% missing.
    """
    if construction not in CONSTRUCTIONS:
        guess = closest(construction, list(CONSTRUCTIONS))
        raise UnknownNameError(f"no persona construction named {construction!r}.{guess}")
    human, twin = (
        read_responses(twin_2k_500.fetch(path), id_column="TWIN_ID")
        for path in construction_files(construction)
    )
    return Panel(human, twin)


def construction_files(construction: str) -> tuple[str, str]:
    """Return the paths of the human and the twin table of a construction."""
    return f"{_FOLDER}/{construction}/real.csv", f"{_FOLDER}/{construction}/LLM.csv"


def available_constructions() -> list[str]:
    """List the constructions whose files can be read without a download."""
    return [c for c in CONSTRUCTIONS if all(map(twin_2k_500.is_available, construction_files(c)))]


twin_2k_500 = Dataset(
    name="twin-2k-500",
    title="Twin-2K-500: survey answers of 2058 people and of their twins, thirteen persona constructions",
    licence="CC-BY-4.0",
    citation="Toubia et al. (2025), Twin-2K-500; persona constructions: Peng et al. (2026); paper A, section 5",
    repository=SYN_DIGITS,
    files={
        path: sha256
        for construction, hashes in CONSTRUCTIONS.items()
        for path, sha256 in zip(construction_files(construction), hashes, strict=True)
    },
    load=load,
    variants=tuple(CONSTRUCTIONS),
)
datasets.add("twin-2k-500", twin_2k_500)
