"""Runs tests and writes what became of each where Bazel asks for it, in GoogleTest's form."""

import os
import unittest
from xml.sax.saxutils import escape


class Result(unittest.TextTestResult):
    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.passed = []

    def addSuccess(self, test):
        super().addSuccess(test)
        self.passed.append(test)


class Runner(unittest.TextTestRunner):
    resultclass = Result

    def run(self, test):
        result = super().run(test)
        if "XML_OUTPUT_FILE" in os.environ:
            with open(os.environ["XML_OUTPUT_FILE"], "w", encoding="utf-8") as file:
                file.write(xml(result))
        return result


def quoted(text):
    return '"' + escape(str(text), {'"': "&quot;", "\n": "&#10;"}) + '"'


def xml(result):
    failed = [*result.failures, *result.errors]
    cases = len(result.passed) + len(failed) + len(result.skipped)
    lines = ['<?xml version="1.0" encoding="UTF-8"?>',
             f'<testsuites tests="{cases}" failures="{len(failed)}" errors="0">', "<testsuite>"]
    for test in result.passed:
        lines.append(f"<testcase name={quoted(test)} result=\"completed\"/>")
    for test, why in failed:
        lines.append(f"<testcase name={quoted(test)} result=\"completed\">"
                     f"<failure message={quoted(why)}/></testcase>")
    for test, why in result.skipped:
        lines += [f"<testcase name={quoted(test)} result=\"skipped\">",
                  f"<skipped message={quoted(why)}/></testcase>"]
    return "\n".join([*lines, "</testsuite>", "</testsuites>", ""])
