"""What the caller is told when the agent itself cannot say it: a service fails, nobody speaks, time is up.

The lines are synthesised when the worker starts, so that they can be said when the voice is what fails.
"""

from collections.abc import Mapping
from typing import Final, Literal, get_args

Line = Literal[
    "trouble",
    "failed",
    "cannot_hear",
    "are_you_there",
    "silence_goodbye",
    "time_limit",
    "stopping",
    "resumption",
]

NAMES: Final[tuple[Line, ...]] = get_args(Line)
"""Every line: `trouble`, an answer failed and may be asked for again; `failed`, the call cannot go on; `cannot_hear`,
nothing is understood for a moment; `are_you_there`, nobody speaks; `silence_goodbye`, nobody spoke again;
`time_limit`, the longest duration is reached; `stopping`, the worker is told to stop, and no other takes the call;
`resumption`, another agent goes on with the call."""

LINES: Final[Mapping[str, Mapping[Line, str]]] = {
    "en": {
        "trouble": "Sorry, something went wrong on my side. Could you please say that again?",
        "failed": "I am sorry, I cannot go on because of a technical problem. Please call again later. Goodbye.",
        "cannot_hear": "I am sorry, I cannot hear you at the moment. One moment, please.",
        "are_you_there": "Are you still there?",
        "silence_goodbye": "I have not heard from you for a while, so I will hang up now. Goodbye.",
        "time_limit": "We have reached the longest time for a call, so I have to end it here. Thank you, and goodbye.",
        "stopping": "I am sorry, I have to end this call now. Please call again in a moment. Goodbye.",
        "resumption": "Sorry, we were cut off for a moment. I am back, please go on.",
    },
    "es": {
        "trouble": "Perdón, algo ha fallado por mi parte. ¿Puede repetirlo, por favor?",
        "failed": "Lo siento, no puedo continuar por un problema técnico. Llame más tarde, por favor. Adiós.",
        "cannot_hear": "Lo siento, en este momento no le oigo. Un momento, por favor.",
        "are_you_there": "¿Sigue usted ahí?",
        "silence_goodbye": "Hace un rato que no le oigo, así que voy a colgar. Adiós.",
        "time_limit": "Hemos llegado a la duración máxima de la llamada y tengo que terminar. Gracias y adiós.",
        "stopping": "Lo siento, tengo que terminar esta llamada. Vuelva a llamar en un momento, por favor. Adiós.",
        "resumption": "Perdón, se ha cortado un momento. Ya estoy de vuelta, continúe, por favor.",
    },
    "de": {
        "trouble": "Entschuldigung, bei mir ist etwas schiefgegangen. Können Sie das bitte wiederholen?",
        "failed": "Es tut mir leid, wegen einer technischen Störung kann ich nicht weitermachen. "
        "Bitte rufen Sie später noch einmal an. Auf Wiederhören.",
        "cannot_hear": "Es tut mir leid, ich kann Sie gerade nicht hören. Einen Moment bitte.",
        "are_you_there": "Sind Sie noch da?",
        "silence_goodbye": "Ich habe länger nichts von Ihnen gehört und lege jetzt auf. Auf Wiederhören.",
        "time_limit": "Die längste Dauer für einen Anruf ist erreicht, ich muss hier enden. Danke und auf Wiederhören.",
        "stopping": "Es tut mir leid, ich muss das Gespräch jetzt beenden. Bitte rufen Sie gleich noch einmal an. "
        "Auf Wiederhören.",
        "resumption": "Entschuldigung, wir waren kurz unterbrochen. Ich bin wieder da, sprechen Sie bitte weiter.",
    },
    "fr": {
        "trouble": "Pardon, il y a eu un problème de mon côté. Pouvez-vous répéter, s'il vous plaît ?",
        "failed": "Je suis désolé, je ne peux pas continuer à cause d'un problème technique. "
        "Merci de rappeler plus tard. Au revoir.",
        "cannot_hear": "Je suis désolé, je ne vous entends pas pour le moment. Un instant, s'il vous plaît.",
        "are_you_there": "Êtes-vous toujours là ?",
        "silence_goodbye": "Je ne vous entends plus depuis un moment, je vais donc raccrocher. Au revoir.",
        "time_limit": "Nous avons atteint la durée maximale d'un appel et je dois terminer ici. Merci et au revoir.",
        "stopping": "Je suis désolé, je dois terminer cet appel. Merci de rappeler dans un instant. Au revoir.",
        "resumption": "Pardon, nous avons été coupés un instant. Je suis de retour, continuez, s'il vous plaît.",
    },
    "it": {
        "trouble": "Mi scusi, qualcosa è andato storto da parte mia. Può ripetere, per favore?",
        "failed": "Mi dispiace, non posso continuare per un problema tecnico. Richiami più tardi. Arrivederci.",
        "cannot_hear": "Mi dispiace, al momento non la sento. Un attimo, per favore.",
        "are_you_there": "È ancora in linea?",
        "silence_goodbye": "Non la sento da un po', quindi ora riaggancio. Arrivederci.",
        "time_limit": "Abbiamo raggiunto la durata massima della chiamata e devo terminare qui. Grazie e arrivederci.",
        "stopping": "Mi dispiace, devo terminare la chiamata. Richiami tra un momento, per favore. Arrivederci.",
        "resumption": "Mi scusi, la linea è caduta per un attimo. Sono di nuovo qui, continui pure.",
    },
    "pt": {
        "trouble": "Desculpe, algo correu mal do meu lado. Pode repetir, por favor?",
        "failed": "Lamento, não posso continuar por causa de um problema técnico. Ligue mais tarde, por favor. Adeus.",
        "cannot_hear": "Lamento, neste momento não consigo ouvir. Um momento, por favor.",
        "are_you_there": "Ainda está aí?",
        "silence_goodbye": "Não ouço nada há algum tempo, por isso vou desligar. Adeus.",
        "time_limit": "Chegámos à duração máxima da chamada e tenho de terminar aqui. Obrigado e adeus.",
        "stopping": "Lamento, tenho de terminar esta chamada. Volte a ligar dentro de momentos, por favor. Adeus.",
        "resumption": "Desculpe, a ligação caiu por um momento. Já estou de volta, continue, por favor.",
    },
    "nl": {
        "trouble": "Sorry, er ging bij mij iets mis. Kunt u dat alstublieft herhalen?",
        "failed": "Het spijt me, door een technisch probleem kan ik niet verdergaan. Belt u later nog eens. Tot ziens.",
        "cannot_hear": "Het spijt me, ik kan u op dit moment niet horen. Een ogenblik alstublieft.",
        "are_you_there": "Bent u er nog?",
        "silence_goodbye": "Ik heb al een tijd niets van u gehoord en hang nu op. Tot ziens.",
        "time_limit": "De langste duur van een gesprek is bereikt, ik moet hier stoppen. Bedankt en tot ziens.",
        "stopping": "Het spijt me, ik moet dit gesprek nu beëindigen. Belt u zo nog eens. Tot ziens.",
        "resumption": "Sorry, de verbinding was even weg. Ik ben er weer, gaat u verder.",
    },
    "ja": {
        "trouble": "申し訳ありません、こちらで問題が起きました。もう一度お話しいただけますか。",
        "failed": "申し訳ありません、技術的な問題のため続けられません。後ほどおかけ直しください。失礼いたします。",
        "cannot_hear": "申し訳ありません、ただいまお声が聞こえません。少々お待ちください。",
        "are_you_there": "もしもし、聞こえていらっしゃいますか。",
        "silence_goodbye": "しばらくお声が聞こえませんので、お電話を切らせていただきます。失礼いたします。",
        "time_limit": "お電話の最長時間になりましたので、ここで終了いたします。ありがとうございました。",
        "stopping": "申し訳ありません、ここで通話を終了いたします。少し後におかけ直しください。失礼いたします。",
        "resumption": "失礼いたしました、一瞬途切れてしまいました。どうぞ続けてください。",
    },
    "ar": {
        "trouble": "عذرًا، حدث خطأ من جانبي. هل يمكنك إعادة ما قلته من فضلك؟",
        "failed": "أعتذر، لا أستطيع المتابعة بسبب مشكلة تقنية. يرجى الاتصال لاحقًا. مع السلامة.",
        "cannot_hear": "أعتذر، لا أستطيع سماعك في هذه اللحظة. لحظة من فضلك.",
        "are_you_there": "هل ما زلت معي؟",
        "silence_goodbye": "لم أسمعك منذ فترة، لذلك سأنهي المكالمة الآن. مع السلامة.",
        "time_limit": "وصلنا إلى أقصى مدة للمكالمة، لذلك عليّ إنهاؤها هنا. شكرًا لك ومع السلامة.",
        "stopping": "أعتذر، عليّ إنهاء هذه المكالمة الآن. يرجى الاتصال مرة أخرى بعد قليل. مع السلامة.",
        "resumption": "عذرًا، انقطع الاتصال للحظة. لقد عدت، تفضل بالمتابعة.",
    },
}
"""The lines by language (ISO 639-1) and name."""


DEFAULT_LANGUAGE: Final = "en"
"""What is spoken where no language is set."""


def lines_in(language: str | None, own: Mapping[str, object]) -> dict[Line, str]:
    """Return what is said in `language`, an operator's own lines in place of those that come with the worker.

    Args:
        language: ISO 639-1, such as `en`; `None` is `DEFAULT_LANGUAGE`.
        own: text by the line's name.

    Raises:
        KeyError: there is no such line in the language, and none of the operator's own; its argument names it.
    """
    known = LINES.get(language or DEFAULT_LANGUAGE, {})
    return {name: str(own[name]) if name in own else known[name] for name in NAMES}
