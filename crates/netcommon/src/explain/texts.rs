//! The reasons, in both languages: the first time a call is made, and afterwards.

use crate::language::Language;

/// One reason: its key in JSON, and its wordings. `{n}` is a number of bytes, of waiting clients or
/// of a thread, `{letters}` a number of letters, `{fd}` a descriptor, `{address}` an address.
pub(super) struct Text {
    pub(super) key: &'static str,
    spanish: [&'static str; 2],
    english: [&'static str; 2],
}

impl Text {
    /// The whole reason the first time, a short one afterwards.
    pub(super) fn wording(&self, language: Language, is_first: bool) -> &'static str {
        let [full, short] = language.choose(self.spanish, self.english);
        if is_first { full } else { short }
    }
}

/// The reason with this key.
pub(super) fn text(key: &str) -> &'static Text {
    let found = TEXTS.iter().find(|text| text.key == key);
    debug_assert!(found.is_some(), "no text for '{key}'");
    found.unwrap_or(&TEXTS[0])
}

const fn entry(key: &'static str, spanish: [&'static str; 2], english: [&'static str; 2]) -> Text {
    Text {
        key,
        spanish,
        english,
    }
}

/// The first one fits any call.
pub(super) const TEXTS: &[Text] = &[
    entry(
        "failed",
        [
            "El sistema dice que no, y por qué.",
            "El sistema dice que no.",
        ],
        ["The system says no, and why.", "The system says no."],
    ),
    entry(
        "getaddrinfo",
        [
            "Un nombre puede tener varias direcciones; se prueban en este orden.",
            "Las direcciones del nombre.",
        ],
        [
            "A name may have several addresses; they are tried in this order.",
            "The addresses of the name.",
        ],
    ),
    entry(
        "socket_tcp",
        [
            "Pido al sistema un extremo TCP; aquí se llama {fd}.",
            "Otro extremo TCP, el {fd}.",
        ],
        [
            "I ask the system for a TCP endpoint; here it is called {fd}.",
            "Another TCP endpoint, {fd}.",
        ],
    ),
    entry(
        "socket_udp",
        [
            "Un extremo UDP, el {fd}: uno solo oye a todos; aquí no hay listen ni accept.",
            "Otro extremo UDP, el {fd}.",
        ],
        [
            "A UDP endpoint, {fd}: one hears everybody; there is no listen and no accept.",
            "Another UDP endpoint, {fd}.",
        ],
    ),
    entry(
        "reuseaddr",
        [
            "Así podré reabrir el puerto aunque queden conexiones en TIME_WAIT.",
            "Para reabrir el puerto pese a TIME_WAIT.",
        ],
        [
            "So that I can reopen the port although connections are left in TIME_WAIT.",
            "To reopen the port in spite of TIME_WAIT.",
        ],
    ),
    entry(
        "setsockopt",
        ["Una opción de este extremo. Nada viaja.", "Otra opción."],
        [
            "An option of this endpoint. Nothing travels.",
            "Another option.",
        ],
    ),
    entry(
        "rcvtimeo",
        [
            "La recepción esperará como mucho este tiempo, y no para siempre.",
            "El tiempo que queda.",
        ],
        [
            "Receiving will wait this long at most, and not for ever.",
            "The time that is left.",
        ],
    ),
    entry(
        "bind",
        [
            "Reservo esta dirección. Nada viaja todavía.",
            "Reservo esta dirección.",
        ],
        [
            "I reserve this address. Nothing travels yet.",
            "I reserve this address.",
        ],
    ),
    entry(
        "bind_in_use",
        [
            "Otro extremo la tiene: un servidor vivo o, sin SO_REUSEADDR, restos en TIME_WAIT.",
            "Otro extremo tiene esa dirección.",
        ],
        [
            "Another endpoint has it: a living server or, without SO_REUSEADDR, leftovers in TIME_WAIT.",
            "Another endpoint has that address.",
        ],
    ),
    entry(
        "listen",
        [
            "El sistema ya acepta por mí: en la cola caben {n} (Linux suma 1). No limita los clientes.",
            "El sistema ya acepta por mí.",
        ],
        [
            "The system accepts for me now: {n} fit into the queue (Linux adds 1). No limit on clients.",
            "The system accepts for me now.",
        ],
    ),
    entry(
        "accept_wait",
        [
            "La cola está vacía: espero al primero.",
            "Espero al siguiente.",
        ],
        [
            "The queue is empty: I wait for the first one.",
            "I wait for the next one.",
        ],
    ),
    entry(
        "accept",
        [
            "Un extremo nuevo para este cliente, el {fd}; el otro sigue escuchando.",
            "Un extremo nuevo, el {fd}.",
        ],
        [
            "A new endpoint for this client, {fd}; the other one goes on listening.",
            "A new endpoint, {fd}.",
        ],
    ),
    entry(
        "accept_woken",
        ["Ya no escucha: accept vuelve sin cliente.", "Sin cliente."],
        [
            "It listens no more: accept returns without a client.",
            "Without a client.",
        ],
    ),
    entry(
        "thread",
        [
            "Lo atiende un hilo: si calla, solo espera ese hilo.",
            "Otro hilo.",
        ],
        [
            "A thread serves it: if it is silent, that thread alone waits.",
            "Another thread.",
        ],
    ),
    entry(
        "connect",
        [
            "SYN, SYN-ACK y ACK son cosa de los dos sistemas, aun antes de accept. Soy {address}.",
            "Conectado; soy {address}.",
        ],
        [
            "SYN, SYN-ACK, ACK are the two systems' work, even before accept. I am {address}.",
            "Connected; I am {address}.",
        ],
    ),
    entry(
        "connect_refused",
        [
            "Llegó un RST: en ese puerto no escucha nadie.",
            "Allí tampoco escucha nadie.",
        ],
        [
            "An RST came: nobody listens on that port.",
            "Nobody listens there either.",
        ],
    ),
    entry(
        "connect_timed_out",
        [
            "Nadie contestó al SYN: quizá un cortafuegos lo calla.",
            "Nadie contestó al SYN.",
        ],
        [
            "Nobody answered the SYN: perhaps a firewall swallows it.",
            "Nobody answered the SYN.",
        ],
    ),
    entry(
        "connect_udp",
        [
            "No envía nada: fija el destino, y así sabré si allí no escucha nadie. Soy {address}.",
            "Fija el destino; soy {address}.",
        ],
        [
            "It sends nothing: it fixes the destination, so that I learn if nobody listens. I am {address}.",
            "It fixes the destination; I am {address}.",
        ],
    ),
    entry(
        "send",
        [
            "El sistema los tiene; que lleguen solo lo prueba la respuesta.",
            "El sistema los tiene.",
        ],
        [
            "The system has them; that they arrive only the reply proves.",
            "The system has them.",
        ],
    ),
    entry(
        "send_partial",
        [
            "El sistema tomó solo {n}. sendall es esto: insistir con el resto.",
            "Tomó solo {n}; insisto con el resto.",
        ],
        [
            "The system took only {n}. sendall is just this: insisting with the rest.",
            "It took only {n}; I insist with the rest.",
        ],
    ),
    entry(
        "send_full",
        [
            "Su búfer está lleno: espero a que el otro lea.",
            "Lleno: espero.",
        ],
        [
            "Its buffer is full: I wait until the other side reads.",
            "Full: I wait.",
        ],
    ),
    entry(
        "send_gone",
        [
            "El otro cerró del todo: lo que le envíe se pierde.",
            "El otro ya no está.",
        ],
        [
            "The other side closed altogether: what I send is lost.",
            "The other side is gone.",
        ],
    ),
    entry(
        "recv_wait",
        [
            "No ha llegado nada: espero. Quien llama a recv se queda aquí.",
            "Espero.",
        ],
        [
            "Nothing has come: I wait. The caller of recv stays here.",
            "I wait.",
        ],
    ),
    entry(
        "recv",
        [
            "{n} bytes de un flujo: TCP no marca dónde acaba un mensaje; puede ser solo una parte.",
            "{n} bytes más del flujo.",
        ],
        [
            "{n} bytes of a stream: TCP does not mark where a message ends; it may be a part.",
            "{n} more bytes of the stream.",
        ],
    ),
    entry(
        "recv_end",
        [
            "El otro no enviará más (FIN). No es un mensaje vacío.",
            "El otro no enviará más (FIN).",
        ],
        [
            "The other side will send no more (FIN). It is not an empty message.",
            "The other side will send no more (FIN).",
        ],
    ),
    entry(
        "recv_reset",
        [
            "El otro cortó (RST): lo que faltaba se ha perdido.",
            "El otro cortó (RST).",
        ],
        [
            "The other side cut the connection (RST): what was missing is lost.",
            "The other side cut (RST).",
        ],
    ),
    entry(
        "shutdown",
        [
            "No enviaré más: el sistema manda FIN. Todavía leo.",
            "No enviaré más (FIN).",
        ],
        [
            "I send no more: the system sends FIN. I still read.",
            "I send no more (FIN).",
        ],
    ),
    entry(
        "shutdown_read",
        ["Ya no leo más. El otro no se entera.", "Ya no leo más."],
        [
            "I read no more. The other side does not learn of it.",
            "I read no more.",
        ],
    ),
    entry(
        "shutdown_listener",
        ["Ctrl-C: despierto a quien espera en accept.", "Ctrl-C."],
        ["Ctrl-C: this wakes the waiting accept.", "Ctrl-C."],
    ),
    entry(
        "close_after_peer",
        [
            "Yo tampoco envío más. Cerró él primero: TIME_WAIT queda en su lado.",
            "Cerró él primero: TIME_WAIT en su lado.",
        ],
        [
            "I send no more either. It closed first: TIME_WAIT stays on its side.",
            "It closed first: TIME_WAIT on its side.",
        ],
    ),
    entry(
        "close_before_peer",
        [
            "Cerré yo primero: TIME_WAIT queda en mi lado un minuto.",
            "TIME_WAIT en mi lado.",
        ],
        [
            "I closed first: TIME_WAIT stays on my side for a minute.",
            "TIME_WAIT on my side.",
        ],
    ),
    entry(
        "close_listener",
        [
            "Nadie más puede conectar. Los que aceptó el sistema y no yo reciben RST.",
            "Nadie más puede conectar.",
        ],
        [
            "Nobody else can connect. Those that the system accepted and I did not get RST.",
            "Nobody else can connect.",
        ],
    ),
    entry(
        "close_unconnected",
        ["No llegó a conectar: no queda nada.", "No queda nada."],
        ["It never connected: nothing is left.", "Nothing is left."],
    ),
    entry(
        "close_udp",
        [
            "Devuelvo el puerto. Nadie se entera: UDP no tiene despedida.",
            "Devuelvo el puerto.",
        ],
        [
            "I give the port back. Nobody learns of it: UDP has no goodbye.",
            "I give the port back.",
        ],
    ),
    entry(
        "send_datagram",
        [
            "Un datagrama de {n} bytes: llega entero o no llega, y nadie lo confirma.",
            "Otro datagrama, de {n} bytes.",
        ],
        [
            "One datagram of {n} bytes: it arrives whole or not at all, and nobody confirms it.",
            "Another datagram, of {n} bytes.",
        ],
    ),
    entry(
        "send_text_datagram",
        [
            "{n} bytes para {letters} letras (á o ñ ocupan dos). Nadie confirma que lleguen.",
            "{n} bytes para {letters} letras.",
        ],
        [
            "{n} bytes for {letters} letters (á or ñ take two). Nobody confirms that they arrive.",
            "{n} bytes for {letters} letters.",
        ],
    ),
    entry(
        "send_refused",
        [
            "Un envío anterior volvió con ICMP: allí no escucha nadie. Este no salió.",
            "Allí no escucha nadie (ICMP).",
        ],
        [
            "An earlier one came back by ICMP: nobody listens there. This one did not leave.",
            "Nobody listens there (ICMP).",
        ],
    ),
    entry(
        "recv_datagram",
        [
            "Un datagrama entero, {n} bytes. Con un búfer menor lo demás se perdería para siempre.",
            "Un datagrama entero, {n} bytes.",
        ],
        [
            "A whole datagram, {n} bytes. With a smaller buffer the rest would be lost for good.",
            "A whole datagram, {n} bytes.",
        ],
    ),
    entry(
        "recv_long_datagram",
        [
            "{n} bytes de una vez: el recvfrom(1024) de la lección los habría cortado a 1024.",
            "{n} bytes: más de 1024.",
        ],
        [
            "{n} bytes at once: the lesson's recvfrom(1024) would have cut them to 1024.",
            "{n} bytes: more than 1024.",
        ],
    ),
    entry(
        "recv_empty_datagram",
        [
            "Un datagrama vacío también llega; en UDP el 0 no es el final.",
            "Otro datagrama vacío.",
        ],
        [
            "An empty datagram arrives, too; in UDP 0 is not the end.",
            "Another empty datagram.",
        ],
    ),
    entry(
        "recv_refused",
        [
            "ECONNREFUSED es un mensaje ICMP: allí no escucha nadie.",
            "Allí no escucha nadie (ICMP).",
        ],
        [
            "ECONNREFUSED is an ICMP message: nobody listens there.",
            "Nobody listens there (ICMP).",
        ],
    ),
    entry(
        "recv_timed_out",
        [
            "No llegó nada a tiempo: perdido, lento o nunca enviado; UDP no lo sabe.",
            "No llegó nada a tiempo.",
        ],
        [
            "Nothing came in time: lost, slow or never sent; UDP cannot tell.",
            "Nothing came in time.",
        ],
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_key_has_both_languages_in_lines_of_a_hundred_characters() {
        for Text {
            key,
            spanish,
            english,
        } in TEXTS
        {
            for wording in spanish.iter().chain(english) {
                let length = wording.chars().count();
                assert!((1..=100).contains(&length), "{key}: {wording}");
            }
            assert_ne!(spanish, english, "{key}");
        }
    }

    #[test]
    fn no_key_is_there_twice() {
        let keys: HashSet<_> = TEXTS.iter().map(|text| text.key).collect();
        assert_eq!(keys.len(), TEXTS.len());
    }

    #[test]
    fn both_languages_name_the_same_figures() {
        let figures = |wording: &str| {
            ["{n}", "{letters}", "{fd}", "{address}"].map(|figure| wording.contains(figure))
        };
        for text in TEXTS {
            for which in 0..2 {
                let (spanish, english) = (text.spanish[which], text.english[which]);
                assert_eq!(figures(spanish), figures(english), "{}", text.key);
            }
        }
    }
}
