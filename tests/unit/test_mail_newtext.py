"""The customer's new words: what is kept, what is cut, and that no sentence of the customer is lost."""

import time

import pytest

from caseworker.mail.compose import reply_marker
from caseworker.mail.newtext import new_text

OLD = "Dear Ms Lindqvist,\nyour parcel is on its way to you.\nKind regards\nNordwind"
QUOTED = "\n".join("> " + line for line in OLD.split("\n"))

ATTRIBUTIONS = [
    "On Tue, 3 Nov 2026 at 09:41, Nordwind <service@nordwind.example> wrote:",
    "On Tue, Nov 3, 2026 at 9:41 AM Nordwind Customer Service <\nservice+abcdefgh@nordwind.example> wrote:",
    "On 3 Nov 2026, at 09:41, Nordwind <service@nordwind.example> wrote:",
    "Am Di., 3. Nov. 2026 um 09:41 Uhr schrieb Nordwind <\nservice@nordwind.example>:",
    "Am 03.11.2026 um 09:41 schrieb Nordwind Kundenservice:",
    "Nordwind <service@nordwind.example> schrieb am Di., 3. Nov. 2026, 09:41:",
    "Le mar. 3 nov. 2026 à 09:41, Nordwind <service@nordwind.example> a\nécrit :",
    "Le 3 nov. 2026 à 09:41, Nordwind <service@nordwind.example> a écrit :",
    "El mar, 3 nov 2026 a las 9:41, Nordwind (<service@nordwind.example>)\nescribió:",
    "El 3 nov 2026, a las 9:41, Nordwind <service@nordwind.example> escribió:",
    "Il giorno mar 3 nov 2026 alle ore 09:41 Nordwind <service@nordwind.example>\nha scritto:",
    "Op di 3 nov 2026 om 09:41 schreef Nordwind <service@nordwind.example>:",
    "Op 3 nov. 2026, om 09:41 heeft Nordwind <service@nordwind.example> het volgende geschreven:",
    "wt., 3 lis 2026 o 09:41 Nordwind <service@nordwind.example> napisał(a):",
    "W dniu 3.11.2026 o 09:41, Nordwind pisze:",
    "Em ter., 3 de nov. de 2026 às 09:41, Nordwind <service@nordwind.example>\nescreveu:",
    "Nordwind <service@nordwind.example> escreveu (terça, 3/11/2026 à(s) 09:41):",
    "Den tis 3 nov. 2026 kl 09:41 skrev Nordwind <service@nordwind.example>:",
    "3 nov. 2026 kl. 09:41 skrev Nordwind <service@nordwind.example>:",
    "Den tirs. 3. nov. 2026 kl. 09.41 skrev Nordwind <service@nordwind.example>:",
    "tir. 3. nov. 2026 kl. 09:41 skrev Nordwind <service@nordwind.example>:",
    "ti 3. marrask. 2026 klo 9.41 Nordwind (service@nordwind.example) kirjoitti:",
    "út 3. 11. 2026 v 9:41 odesílatel Nordwind <service@nordwind.example> napsal:",
    "Dne 3. 11. 2026 v 9:41 Nordwind napsal(a):",
    "Nordwind <service@nordwind.example> ezt írta (időpont: 2026. nov. 3., K, 9:41):",
    "вт, 3 нояб. 2026 г. в 09:41, Nordwind <service@nordwind.example>:",
    "Στις Τρί 3 Νοε 2026 στις 9:41 π.μ., ο χρήστης Nordwind <service@nordwind.example> έγραψε:",
    "2026年11月3日(火) 9:41 Nordwind <service@nordwind.example>:",
    "Nordwind <service@nordwind.example> 于2026年11月3日周二 09:41写道：",
    "在 2026年11月3日，上午9:41，Nordwind <service@nordwind.example> 写道：",
    "2026년 11월 3일 (화) 오전 9:41, Nordwind <service@nordwind.example>님이 작성:",
    "Vào Th 3, 3 thg 11, 2026 vào lúc 09:41 Nordwind <service@nordwind.example> đã viết:",
    "În mar., 3 nov. 2026 la 09:41, Nordwind <service@nordwind.example> a scris:",
    "Dana uto, 3. stu 2026. u 09:41 Nordwind <service@nordwind.example> napisao je:",
    "На вт, 3.11.2026 г. в 9:41 Nordwind <service@nordwind.example> написа:",
    "Nordwind <service@nordwind.example>, 3 Kas 2026 Sal, 09:41 tarihinde şunu yazdı:",
]

HEADER_BLOCKS = [
    (
        "From: Nordwind <service@nordwind.example>\nSent: Tuesday, 3 November 2026 09:41\nTo: Lindqvist, "
        "Maria\nSubject: Your order"
    ),
    (
        "________________________________\nVon: Nordwind <service@nordwind.example>\nGesendet: Dienstag, 3. "
        "November 2026 09:41\nAn: Maria\nBetreff: Ihre Bestellung"
    ),
    "De : Nordwind <service@nordwind.example>\nEnvoyé : mardi 3 novembre 2026 09:41\nÀ : Maria\nObjet : Votre commande",
    "De: Nordwind <service@nordwind.example>\nEnviado: martes, 3 de noviembre de 2026 9:41\nPara: Maria\nAsunto: Su pedido",
    "Da: Nordwind <service@nordwind.example>\nInviato: martedì 3 novembre 2026 09:41\nA: Maria\nOggetto: Il suo ordine",
    "Van: Nordwind <service@nordwind.example>\nVerzonden: dinsdag 3 november 2026 09:41\nAan: Maria\nOnderwerp: Uw bestelling",
    "Od: Nordwind <service@nordwind.example>\nWysłano: wtorek, 3 listopada 2026 09:41\nDo: Maria\nTemat: Zamówienie",
    (
        "De: Nordwind <service@nordwind.example>\nEnviada em: terça-feira, 3 de novembro de 2026 09:41\n"
        "Para: Maria\nAssunto: A sua encomenda"
    ),
    "Från: Nordwind <service@nordwind.example>\nSkickat: den 3 november 2026 09:41\nTill: Maria\nÄmne: Din order",
    "Fra: Nordwind <service@nordwind.example>\nSendt: 3. november 2026 09:41\nTil: Maria\nEmne: Din ordre",
    (
        "Lähettäjä: Nordwind <service@nordwind.example>\nLähetetty: tiistai 3. marraskuuta 2026 9.41\n"
        "Vastaanottaja: Maria\nAihe: Tilaus"
    ),
    "Od: Nordwind <service@nordwind.example>\nOdesláno: úterý 3. listopadu 2026 9:41\nKomu: Maria\nPředmět: Objednávka",
    "-----Ursprüngliche Nachricht-----\nVon: Nordwind <service@nordwind.example>\nBetreff: Ihre Bestellung",
    "*From:* Nordwind [mailto:service@nordwind.example]\n*Sent:* 3 November 2026\n*To:* Maria\n*Subject:* Your order",
]

OWN_WORDS = [
    "On Monday 2 November 2026 at 10:30 I wrote:\nplease cancel my order. Nobody answered.",
    "On 2 Nov 2026 at 10:30 your colleague wrote:\nThe refund is on its way. It is not.",
    "Ich habe am 2.11.2026 um 10:30 Uhr geschrieben:\nBitte stornieren Sie. Es kam keine Antwort.",
    "Am 2.11.2026 um 10:30 schrieb ich Ihnen:\nBitte stornieren. Warum keine Antwort?",
    "Date: 12 November 2026\nTime: 10:00\nAddress: 12 Mill Lane\nPlease deliver then.",
    "From: Hamburg\nTo: Berlin\nPlease change the delivery.",
    "The parcel could not be delivered.\nSent from my desk in a hurry.\nPlease help.",
    "I ordered two things:\n-- a red coat\n-- a blue scarf\nOnly the scarf came.",
    "My order numbers:\n----\n4711\n4712\n----\nWhich one comes first?",
    "Please write to maria@lindqvist.example:\nmy old address is gone.",
    "The invoice of 2.11.2026 went to buchhaltung@firma.example:\nplease send it again.",
    "> 5 days is too long to wait, it says > 3 days on your page.",
    "Size: 42\nColour: red\nSubject: shoes",
    "I sent from my phone a photo of the damage yesterday.\nDid you get it?",
    "You promised:\n> refund within 5 days",
    "Hello, order 4711\n\n--\nPlease call me tomorrow because I am away next week and need this solved before then.",
    "Order:\n-----\n4711 coat\nmaria@x.example\n-----\nplease cancel it",
    "Hallo,\nam 3.11.2026 um 09:00 schrieb mir DHL:\nPaket verloren.\nBitte erstatten.",
    "Am 3. November 2026 schrieb Frau Meier von Ihrem Team:\nSie bekommen Ersatz.\nWo bleibt er?",
    "Le 3 novembre 2026 à 10:00 vous m'avez écrit :\nVotre colis arrive.\nIl n'est pas arrivé.",
    "Le 3/11/2026 à 10:30, le livreur a écrit :\nabsent\nJ'étais là.",
    "El 3 de noviembre de 2026 a las 10:00 me escribieron:\nSu pedido llega mañana.\nNo ha llegado.",
    "Op 3 november 2026 om 10:00 schreef u mij:\nUw pakket komt.\nHet kwam niet.",
    "Il 3 novembre 2026 alle 10:00 mi avete scritto:\nArriva domani.\nNon è arrivato.",
    "Dnia 3.11.2026 o 10:00 napisałem do Państwa:\nproszę anulować.\nNikt nie odpisał.",
    "3 Nov 2026 10:30 my husband Tom <tom@x.example>\nplaced the order.",
    "2026-11-03 10:30 Order placed by maria@x.example\n2026-11-04 paid\nNothing came.",
    "Neue Nachricht über das Kontaktformular\n\nVon: Maria <maria@x.example>\nBetreff: Rückgabe\n\nIch möchte tauschen.",
    "On 3 Nov 2026 at 10:30 the driver wrote:\nnobody home.\nI was home!",
    "You wrote:\nthe coat is in stock. But the page says it is not.",
]


@pytest.mark.parametrize("attribution", ATTRIBUTIONS)
@pytest.mark.parametrize("old", [QUOTED, OLD], ids=["quoted", "plain"])
def test_history_below_an_attribution_is_cut(attribution: str, old: str) -> None:
    result = new_text(f"It has not come.\nWhere is it?\n\n{attribution}\n\n{old}\n")
    assert result.text == "It has not come.\nWhere is it?"
    assert result.sure
    assert "on its way" in result.history


@pytest.mark.parametrize("block", HEADER_BLOCKS)
def test_history_below_a_header_block_is_cut(block: str) -> None:
    result = new_text(f"Hello,\n\nwhere is it?\n\nMaria\n\n{block}\n\n{OLD}")
    assert result.text == "Hello,\n\nwhere is it?\n\nMaria"
    assert "on its way" in result.history


@pytest.mark.parametrize("text", OWN_WORDS)
def test_own_words_that_look_like_history_are_kept(text: str) -> None:
    assert new_text(text).text == text


@pytest.mark.parametrize("text", OWN_WORDS)
def test_own_words_are_kept_above_history_too(text: str) -> None:
    assert new_text(f"Hello,\n{text}\n\n{ATTRIBUTIONS[0]}\n{QUOTED}").text == f"Hello,\n{text}"


def test_bottom_posting() -> None:
    assert new_text(f"{ATTRIBUTIONS[0]}\n{QUOTED}\n\nIt has not come.").text == "It has not come."


def test_interleaved_answers_keep_what_they_answer() -> None:
    text = (
        f"{ATTRIBUTIONS[0]}\n> Which size do you have?\n\n42, please.\n\n> And the colour?\n\nRed.\n\n> Kind "
        f"regards\n> Nordwind\n"
    )
    assert new_text(text).text == "> Which size do you have?\n\n42, please.\n\n> And the colour?\n\nRed."


def test_answers_inside_the_quoted_lines_are_kept() -> None:
    result = new_text(f"See my answers below in capitals.\n\n{ATTRIBUTIONS[0]}\n> Which size? 42 PLEASE\n> Which colour? RED\n")
    assert "42 PLEASE" in result.text
    assert not result.sure


def test_a_forward_is_the_message() -> None:
    text = (
        "See below.\n\n---------- Forwarded message ---------\nFrom: Carrier <info@carrier.example>\n"
        "Subject: Parcel\n\nYour parcel is lost."
    )
    result = new_text(text)
    assert "Your parcel is lost." in result.text
    assert result.cut_by == "forward"


def test_a_forward_by_its_subject() -> None:
    text = f"See below.\n\n{HEADER_BLOCKS[1]}\n\nIhr Paket ist verloren."
    assert "verloren" in new_text(text, subject="WG: Ihre Bestellung").text
    assert "verloren" not in new_text(text, subject="AW: Ihre Bestellung").text


def test_only_a_header_block_and_old_text_is_a_forward_too() -> None:
    assert "on its way" in new_text(f"{HEADER_BLOCKS[0]}\n\n{OLD}").text


@pytest.mark.parametrize(
    "signature",
    [
        "Sent from my iPhone",
        "Von meinem iPhone gesendet",
        "Gesendet mit der GMX Mail App",
        "Envoyé de mon iPhone",
        "Enviado desde mi iPhone",
        "Inviato da iPhone",
        "Verstuurd vanaf mijn iPhone",
        "Wysłane z iPhone'a",
        "Skickat från min iPhone",
        "Sendt fra min Samsung Galaxy",
        "Get Outlook for Android<https://aka.ms/AAb9ysg>",
        "-- \nMaria Lindqvist\nMill Lane 12\n+46 70 123 45 67",
        "_______________\nMaria Lindqvist\nmaria@lindqvist.example",
    ],
)
def test_signatures_are_cut(signature: str) -> None:
    assert new_text(f"Where is it?\n\n{signature}").text == "Where is it?"


def test_our_marker_cuts_in_a_language_that_no_table_knows() -> None:
    text = f"Missä se on?\n\nXyzzy 3/11 Nordwind plugh:\n\n{reply_marker('de')}\n\nGuten Tag,\nIhr Paket ist unterwegs."
    result = new_text(text)
    assert result.text.startswith("Missä se on?")
    assert "unterwegs" not in result.text
    assert result.cut_by == "our_marker"


def test_our_own_text_is_known_however_it_is_wrapped() -> None:
    ours = (
        "Your parcel was handed to the carrier on Monday and should be with you by Thursday at the latest.\n"
        "Kind regards\nNordwind"
    )
    text = (
        "Not here yet!\n\nYour parcel was handed to the carrier on Monday and\nshould be with you by "
        "Thursday at the latest.\nKind regards\nNordwind"
    )
    assert new_text(text, our_texts=(ours,)).text == "Not here yet!"
    assert new_text(text).text == text


def test_a_mail_of_nothing_but_history_is_kept_whole_and_unsure() -> None:
    result = new_text(QUOTED)
    assert result.text == QUOTED
    assert not result.sure


def test_empty_text() -> None:
    assert new_text("  \n ").text == ""


def test_html_quotations() -> None:
    html = (
        "<div>Where is it?</div><br><div class='gmail_quote'><div>xyzzy 3/11 &lt;service@nordwind.example&gt;:</div>"
        "<blockquote class='gmail_quote'>Your parcel is on its way.</blockquote></div>"
    )
    assert "on its way" not in new_text("", html=html).text


def test_outlook_marks_history_in_any_language() -> None:
    html = (
        "<p>Missä se on?</p><div id='divRplyFwdMsg'><b>Plugh:</b> Nordwind<br><b>Xyzzy:</b> Maria</div><div>"
        "Your parcel is on its way.</div>"
    )
    result = new_text("", html=html)
    assert result.text == "Missä se on?"
    assert result.cut_by == "structure"


def test_an_indented_paragraph_in_html_is_no_quotation() -> None:
    html = (
        "<div>My address:</div><blockquote style='margin:0 0 0 40px;border:none;padding:0px'><div>Mill Lane "
        "12</div></blockquote>"
    )
    assert new_text("", html=html).text == "My address:\n\nMill Lane 12"


@pytest.mark.parametrize(
    "hostile",
    [
        "a b " * 75_000,
        ">" * 300_000,
        "On " * 100_000 + ":",
        "@" * 300_000,
        "<" * 300_000,
        "-" * 300_000,
        "On Mon\n" * 40_000,
        "From: a\n" * 40_000,
        " " * 300_000 + "x",
    ],
    ids=["words", "quotes", "on", "at", "angle", "dashes", "starts", "labels", "blanks"],
)
def test_long_lines_take_no_time(hostile: str) -> None:
    started = time.process_time()
    new_text(hostile, our_texts=(hostile,))
    assert time.process_time() - started < 2.5


@pytest.mark.parametrize(
    "line",
    [
        "-" * 46,
        "On 1 2 3 4 5 6 7 8 9 1 2 3 4 5 6 7 8 9 1 2)",
        "1.1.2020 10:00 a@b.example schrieb -",
        "x " + "On 1 " * 115 + ":",
        "---- a b ----",
        "在 2020年1月 ab cd 写道 -",
    ],
    ids=["dashes", "starts", "verbs", "shared", "dashed", "chinese"],
)
def test_many_lines_that_might_announce_a_quotation_take_no_time(line: str) -> None:
    hostile = f"{line}\n" * (200_000 // (len(line) + 1))
    started = time.process_time()
    new_text(hostile, html=f"<pre>{hostile}</pre>")
    assert time.process_time() - started < 1.5


def test_a_quotation_below_many_dates_is_still_cut() -> None:
    table = "".join(f"2026-03-{day:02} parcel {day} arrived\n" for day in range(1, 29)) * 5
    result = new_text(f"{table}What of the others?\n\nOn Mon, 2 Mar 2026 at 10:00, Nordwind wrote:\n> Which ones?\n")
    assert result.text.endswith("What of the others?")
