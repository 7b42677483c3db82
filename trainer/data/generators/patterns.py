"""Patterns that make a name of a skill from a shorter one; braces hold the place."""

__all__ = ["CODE", "LAST", "LEGAL", "THINGS", "TOOLS", "WIDE", "WIDER_VERBS"]

WIDE = (
    "{} concepts", "principles of {}", "{} basics", "fundamentals of {}", "theory and practice of {}",
    "knowledge of {}", "expertise in {}", "{} know-how", "{} practice", "essentials of {}",
    "understanding of {}", "working with {}", "{} skills", "applied {}", "competence in {}",
    "insight into {}", "{} theory", "foundations of {}", "the field of {}", "{} methods", "{} terminology",
    "{} expertise", "experience with {}", "familiarity with {}", "proficiency in {}", "aspects of {}",
)  # fmt: skip
TOOLS = (
    "{} software", "{} tool", "using {}", "working with {}", "{} application", "{} platform",
    "{} user skills",
    "{} administration", "{} system", "experience with {}", "knowledge of {}", "{} development", "{} program",
    "{} environment", "{} expertise", "hands-on {}", "proficiency in {}", "{} projects", "operating {}",
    "{} configuration", "implementing {}", "{} suite", "{} solutions", "{} know-how",
)  # fmt: skip
CODE = (
    "{} programming", "coding in {}", "{} development", "programming in {}", "{} programming language",
    "{} coding", "software development with {}", "{} scripting", "writing {} code", "{} software development",
    "developing in {}", "{} language", "{} applications", "{} developer skills", "computer programming in {}",
    "building applications with {}", "knowledge of {}", "experience with {}", "{} projects",
    "{} backend development",
    "hands-on {}", "{} expertise", "proficiency in {}", "{} scripts",
)  # fmt: skip
THINGS = (
    "kinds of {}", "{} varieties", "characteristics of {}", "properties of {}", "features of {}",
    "{} assortment",
    "range of {}", "uses of {}", "working with {}", "knowledge of {}", "different {}", "{} knowledge",
    "functions of {}", "{} expertise", "understanding of {}", "handling {}", "applications of {}",
    "{} basics",
    "familiarity with {}", "{} know-how", "experience with {}", "selection of {}", "categories of {}",
    "{} specifications",
)  # fmt: skip
LEGAL = (
    "{} requirements", "rules on {}", "compliance with {}", "legal aspects of {}", "legal framework of {}",
    "knowledge of {}", "applying {}", "{} rules", "{} compliance", "statutory {}", "interpretation of {}",
    "understanding of {}", "working with {}", "{} provisions", "national {}", "adherence to {}",
    "{} expertise",
    "familiarity with {}", "{} basics", "principles of {}", "foundations of {}", "expertise in {}",
    "current {}", "{} matters",
)  # fmt: skip
LAST = (
    "knowledge of {}", "expertise in {}", "understanding of {}", "working with {}", "competence in {}",
    "insight into {}", "experience with {}", "familiarity with {}", "proficiency in {}", "aspects of {}",
    "background in {}", "know-how in {}", "skills in {}", "training in {}", "being familiar with {}",
    "specialist knowledge of {}", "practical experience of {}", "awareness of {}", "well versed in {}",
    "the topic of {}",
)  # fmt: skip
WIDER_VERBS = (
    "ability to {base}", "being able to {base}", "skills in {gerund}", "experience in {gerund}",
    "know how to {base}", "expertise in {gerund}", "competence in {gerund}", "can {base}",
    "responsible for {gerund}", "techniques for {gerund}", "proficient in {gerund}", "methods of {gerund}",
    "capable of {gerund}", "help {base}", "skilled at {gerund}", "assist in {gerund}", "practice of {gerund}",
)  # fmt: skip
