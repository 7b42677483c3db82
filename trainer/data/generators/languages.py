"""Skills in human languages: what they are called, and who needs them."""

import re

__all__ = ["language_of", "language_sentences", "language_titles", "language_variants"]

_FORMS = (
    (re.compile(r"^understand spoken (.+)$", re.IGNORECASE), "listen"),
    (re.compile(r"^(?:understand written|read) ((?:[A-Z]|ancient|classical).*)$"), "read"),
    (re.compile(r"^(?:interact|communicate) verbally in (.+)$", re.IGNORECASE), "speak"),
    (re.compile(r"^speak ([A-Z]\w+)$"), "speak"),
    (re.compile(r"^write ([A-Z][\w' ()-]*)$"), "write"),
)
_LANGUAGE = re.compile(r"^The .{0,40}\blanguage\b|^The language of\b")

_VARIANTS = {
    "listen": (
        "{} listening comprehension", "understanding {} speech", "comprehend spoken {}", "listen to {}",
        "follow conversations in {}", "{} oral comprehension", "make sense of spoken {}", "spoken {}",
        "comprehending orally expressed {}", "understand people who speak {}", "{} aural skills",
        "passive knowledge of {}", "understanding {}", "{} language comprehension",
        "be able to follow spoken {}",
        "{} listening skills", "interpret spoken {}", "comprehension of {} conversations", "grasp verbal {}",
        "understand oral {}", "follow {} presentations", "{} language skills",
    ),
    "read": (
        "{} reading comprehension", "reading {}", "comprehend written {}", "read {} texts",
        "understanding written {}",
        "{} reading skills", "comprehension of texts in {}", "read documents in {}", "understand {} texts",
        "make sense of written {}", "written {}", "interpret {} texts", "passive knowledge of {}",
        "reading and understanding {}", "understand {} in writing", "{} literacy", "read {} fluently",
        "comprehending {} texts", "understand {} documents", "{} text comprehension", "{} language skills",
        "follow written {}",
    ),
    "speak": (
        "speak {}", "speaking {}", "{} conversation", "communicate orally in {}", "fluent in {}", "spoken {}",
        "converse in {}", "verbal communication in {}", "talk in {}", "{} speaking skills",
        "express oneself in {}",
        "oral {}", "hold conversations in {}", "be fluent in {}", "{} oral expression", "verbal {} skills",
        "fluency in {}", "speak {} fluently", "orally interact in {}", "have discussions in {}",
        "{} verbal skills", "{} language skills",
    ),
    "write": (
        "{} writing", "writing in {}", "compose texts in {}", "{} written communication", "produce {} texts",
        "correspond in {}", "writing {}", "{} writing skills", "express oneself in writing in {}",
        "draft texts in {}",
        "write {} texts", "written {}", "compose written {}", "{} composition", "author documents in {}",
        "{} correspondence", "put {} on paper", "written expression in {}", "draw up documents in {}",
        "written fluency in {}", "show competency in written {}", "{} language skills",
    ),
    "language": (
        "{} language", "{} language skills", "knowledge of {}", "fluent in {}", "speak and write {}",
        "{} proficiency",
        "command of {}", "the {} language", "{} speaker", "language skills in {}", "spoken and written {}",
        "fluency in {}", "good {}", "{} communication skills", "proficient in {}",
        "{} grammar and vocabulary",
        "mastery of {}", "business {}", "competence in {}", "speaking {}", "ability to speak {}",
        "{} linguistics",
    ),
}  # fmt: skip
_TITLES = (
    "{} Teacher", "{} Translator", "{} Interpreter", "Customer Service Representative - {} Speaking",
    "{} Language Instructor", "{} Speaking Sales Executive", "Customer Support Agent ({})", "{} Tutor",
    "{} Localisation Specialist", "Call Centre Agent with {}", "Tour Guide ({} speaking)", "{} Proofreader",
    "Bilingual {} Customer Advisor", "{} Content Moderator", "{} Speaking Account Manager", "Lecturer in {}",
    "{} Copywriter", "Export Sales Manager, {} Speaking", "Receptionist ({} & English)", "{} Subtitler",
    "Foreign Language Correspondence Clerk ({})", "{} Linguist", "Travel Consultant - {} speaker",
    "HR Administrator with {}", "Junior {} Translator", "Freelance {} Interpreter (m/f/d)",
    "{} Voice-over Artist",
)  # fmt: skip
_SENTENCES = {
    "listen": (
        "You understand spoken {} well enough to follow customers on the phone.",
        "Good listening skills in {}.",
        "You can follow meetings that are held in {}.",
        "Able to understand {} speakers of different regions.",
        "A good passive command of {} is a must, as many of our guests speak it.",
        "As part of an international team you should comprehend spoken {}.",
    ),
    "read": (
        "You are able to read and understand documents in {}.", "Reading knowledge of {} is required.",
        "Manuals are in {}, so you understand texts in this language.", "Good reading comprehension of {}.",
        "You read technical documentation in {} without difficulty.",
        "Ability to work with sources written in {}.",
    ),
    "speak": (
        "You speak {} fluently.", "Fluent spoken {} is required for contact with our customers.",
        "You communicate with clients and partners in {}.", "Excellent verbal communication skills in {}.",
        "Conversational {} is an advantage.", "We expect you to hold conversations in {} with confidence.",
    ),
    "write": (
        "You write {} without mistakes.", "Excellent written {} is required.",
        "You draft e-mails and reports in {}.",
        "Ability to compose clear texts in {}.", "You correspond with customers in {} on a daily basis.",
        "Strong writing skills in {} are essential for this role.",
    ),
    "language": (
        "You speak and write {} fluently.", "Excellent command of {}, both written and spoken.",
        "Knowledge of {} is an advantage.", "{} at B2 level or higher.", "You are fluent in {} and English.",
        "Due to our many customers abroad, you master {}.",
    ),
}  # fmt: skip
_ALL = (
    "Languages: English and {}.", "Very good {} skills are a plus.", "You have a good command of {}.",
    "Fluency in {} and one other European language.",
    "Requirements: {} (C1) and a good working knowledge of MS Office.",
    "Since our customers are international, {} skills are welcome.", "- {} language skills",
    "Proficiency in {} is required for this position.",
)  # fmt: skip


def language_of(label: str, description: str) -> tuple[str, str] | None:
    """The language of a skill and what is done with it, or None for other skills."""
    for pattern, form in _FORMS:
        if found := pattern.match(label):
            return found[1], form
    if _LANGUAGE.match(description) and label[:1].isupper() and len(label.split()) <= 3:
        if "programming" in description.lower() or "computer" in description.lower():
            return None
        return label, "language"
    return None


def language_variants(label: str, description: str) -> list[str]:
    """Other names of a language skill; none for other skills."""
    found = language_of(label, description)
    return [pattern.format(found[0]) for pattern in _VARIANTS[found[1]]] if found else []


def language_titles(label: str, description: str) -> list[str]:
    """Titles that need a language; none for other skills."""
    found = language_of(label, description)
    return [pattern.format(found[0]) for pattern in _TITLES] if found else []


def language_sentences(label: str, description: str) -> list[str]:
    """Vacancy sentences that ask for a language skill; none for other skills."""
    found = language_of(label, description)
    return [pattern.format(found[0]) for pattern in (*_SENTENCES[found[1]], *_ALL)] if found else []
