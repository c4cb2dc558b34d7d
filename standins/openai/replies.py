"""What the scripted dialogue says: an ordered list of rules, the first one that matches answers.

The words are plain and the sentences short, because they are spoken. A rule with several replies gives the
next one each time it matches in a conversation.
"""

import re
from dataclasses import dataclass

GREETING = "Hello, and welcome. This is a demo that follows a script. How can I help you today?"
FAREWELL = "Thank you for calling. Goodbye, and have a nice day."
STILL_THERE = "Are you still there? I am listening."
GO_ON = "How can I help you?"
NOT_HEARD = "Sorry, I did not catch that. Please say it again."
NOTHING_SAID = "I have not said anything yet."
UNMATCHED = "I heard you say, {text}. This is only a demo that follows a script, and I have no answer to that."
TOOL_RESULT = "Here is what I found. {result}"


@dataclass(frozen=True, slots=True)
class Rule:
    """A topic, the words that lead to it, and what is said about it."""

    topic: str
    pattern: re.Pattern[str]
    replies: tuple[str, ...]


def _rule(topic: str, words: str, *replies: str) -> Rule:
    return Rule(topic, re.compile(rf"\b(?:{words})\b"), replies)


_DIGIT = "(?:zero|one|two|three|four|five|six|seven|eight|nine|[0-9])"

RULES = (
    _rule(
        "company",
        "about your company|more about|tell me about|how does .* work",
        "Gladly, let me tell you how we work. First we pack your order in our store and send you an email. "
        "Then the driver takes it to your town, and that needs two or three days. "
        "On the last day you get a message with the hour, and you can still change the address. "
        "If nobody is home, the driver comes back the next morning.",
    ),
    _rule(
        "interrupt",
        "stop|wait|enough|another question",
        "All right, I will stop. What else would you like to know?",
    ),
    _rule(
        "abilities",
        "what can you do|can you help|have a question|some information",
        "I can look after your order, make an appointment, and tell you when we are open.",
    ),
    _rule(
        "number",
        rf"number|{_DIGIT} {_DIGIT}|[0-9]{{3,}}",
        "I have written that number down. What would you like to know?",
        "I have written down that number as well.",
    ),
    _rule("cancel", "cancel", "All right, I will cancel that for you. Is there anything else?"),
    _rule(
        "returns",
        "return|refund|money back",
        "You can return everything within thirty days. Put it back into the box, and take the box to any "
        "store. You get your money back one week later.",
    ),
    _rule(
        "appointment",
        "appointment|meeting|table|book|reservation|monday|tuesday|wednesday|thursday|friday"
        "|in the morning|afternoon|later",
        "I can do that. The next free time is Thursday at three in the afternoon. Is that all right?",
        "Good, I have written it down. We will see you then.",
        "That is possible. I have changed it for you.",
    ),
    _rule(
        "opening_hours",
        "open|opening|hours|close|closed",
        "We are open from nine in the morning until six in the evening, every day but Sunday.",
        "Only on Sunday we stay at home.",
    ),
    _rule(
        "change_delivery",
        "address|delivery date",
        "I can change that. Please tell me what to write down.",
        "I have changed it for you.",
    ),
    _rule("discount", "discount|students?", "Students pay half the price, every day of the week."),
    _rule(
        "price",
        "price|costs?|how much|bill|discount|credit card|pay|gift cards?",
        "That costs twenty dollars, and you can pay with any credit card.",
        "With the delivery it is twenty four dollars.",
    ),
    _rule("countries", "ship to|deliver to", "Yes, we send packages to every country that has a post office."),
    _rule(
        "order",
        "order|package|delivery|delivered|arrive|ship|shipping|sent yet",
        "Your order left our store this morning. It should arrive on Friday.",
        "It is still on the way, and it should arrive on Friday afternoon.",
    ),
    _rule(
        "store",
        "store|shop|parking|where",
        "The nearest shop is on Main Street, next to the station, and there is parking behind it.",
    ),
    _rule("password", "password|account", "I will send you an email. Open it to set a new password."),
    _rule("code", "code", "Please type it with the keys of your phone."),
    _rule("broken", "damaged|broken|fix|update", "I am sorry about that. We will send you a new one today."),
    _rule("human", "human|person|manager|somebody", "I understand. I will ask a person to call you back."),
    _rule("email", "email|confirmation", "All right, the email is on its way to you."),
    _rule("weather", "weather", "It is warm and sunny today, at least in this script."),
    _rule("joke", "joke", "Why did the computer go to the doctor? It had a virus."),
    _rule("name", "my name is|i am called", "Nice to meet you. What can I do for you?"),
    _rule("goodbye", "goodbye|bye|good night|that is all", FAREWELL),
    _rule(
        "thanks",
        "thank you very|thanks|thank you for|been very helpful",
        "You are very welcome. Is there anything else?",
    ),
    _rule("no", "no|not|nothing", "All right. Is there anything else?"),
    _rule("yes", "yes|correct|right|sure|please do", "All right, then it is done. Is there anything else?"),
    _rule("hello", "hello|hi|good (?:morning|evening|afternoon)", "Hello. How can I help you?"),
)

REPEAT = re.compile(r"\b(?:repeat|say (?:that|it) again|pardon)\b")
"""Asks for the last answer once more."""


def rule_for(text: str) -> Rule | None:
    """The first rule that a sentence matches, in lower case, or None."""
    lowered = text.lower()
    return next((rule for rule in RULES if rule.pattern.search(lowered)), None)
