# Lo que dice el chat de la terminal (interfaces, sección 4).

## Días

weekday-mon = lun
weekday-tue = mar
weekday-wed = mié
weekday-thu = jue
weekday-fri = vie
weekday-sat = sáb
weekday-sun = dom
month-jan = ene
month-feb = feb
month-mar = mar
month-apr = abr
month-may = may
month-jun = jun
month-jul = jul
month-aug = ago
month-sep = sep
month-oct = oct
month-nov = nov
month-dec = dic
day = { $weekday } { $day } { $month } { $year }
moment = { $weekday } { $day } { $month } { $clock }

## La charla

mark-waiting = en espera
mark-relayed = en el relé
mark-received = recibido por { $count } de { $members }
wants-listen = desea: que le escuchen
wants-experience = desea: lo que otros vivieron
wants-advice = desea: consejo
event-joined = { $name } entró.
event-left = { $name } se fue.
event-removed = { $name } quedó fuera.
event-removed-why = { $name } quedó fuera. El motivo que se dio: { $reason }
event-role-given = { $name } tiene ahora este papel: { $role }.
event-role-ended = { $name } ya no tiene este papel: { $role }.
event-vote-asked = { $name } pregunta al círculo: { $text }
event-vote-carried = El círculo dijo que sí a: { $text }
event-vote-not-carried = El círculo no dijo que sí a: { $text }
event-vote-no-quorum = Participaron muy pocos para decidir: { $text }
event-vote-blocked = Alguien bloqueó: { $text }
event-differs = { $name } mandó cosas distintas a personas distintas. Aquí se ve todo.
event-exceeds = El programa de { $name } cambia de claves más de lo permitido. Puede estar dañado, o cambiado por alguien.
event-newer = Hecho con una versión más nueva.
gap-closed = Lo que faltaba ya está aquí.
gap-asking = { $count ->
    [one] Falta { $count } entrada.
   *[other] Faltan { $count } entradas.
}
gap-some-asking = Faltan algunas entradas.
gap-asked = Se pregunta a: { $who }.
gap-key-coming = { $count ->
    [one] Hay { $count } entrada aquí. Falta la clave para leerla.
   *[other] Hay { $count } entradas aquí. Falta la clave para leerlas.
}
gap-some-key-coming = Hay algunas entradas aquí. Falta la clave para leerlas.
gap-before = { $count ->
    [one] { $count } entrada se dijo antes de que llegaras.
   *[other] { $count } entradas se dijeron antes de que llegaras.
}
gap-some-before = Algunas entradas se dijeron antes de que llegaras.
gap-forgotten = { $count ->
    [one] { $count } entrada ya no se guarda.
   *[other] { $count } entradas ya no se guardan.
}
gap-some-forgotten = Algunas entradas ya no se guardan.
gap-damaged = { $count ->
    [one] { $count } entrada llegó dañada y no se puede leer.
   *[other] { $count } entradas llegaron dañadas y no se pueden leer.
}
gap-some-damaged = Algunas entradas llegaron dañadas y no se pueden leer.
gap-newer = { $count ->
    [one] { $count } entrada se hizo con una versión más nueva.
   *[other] { $count } entradas se hicieron con una versión más nueva.
}
gap-some-newer = Algunas entradas se hicieron con una versión más nueva.
the-relay = el relé
relay-number = relé { $number }
list-and = { $first } y { $last }

## Personas

role-host = a cargo
role-steward = cuida el círculo
role-chair = preside
role-greeter = recibe
role-timekeeper = cuida el tiempo
role-treasurer = lleva las cuentas
role-facilitator = facilita

## La pantalla

header-help = F1 teclas
keys-chat = F2 ayuda ahora   F10 ocultar   Ctrl-Q salir   Alt-a siguiente nuevo   /invite /members
keys-locked = F2 ayuda ahora   F10 ocultar   Ctrl-Q salir
keys-close = F2 ayuda ahora   F10 ocultar   Esc volver
keys-members = F2 ayuda ahora   F10 ocultar   Esc volver   Enter abrir   Arriba Abajo elegir
keys-waiting = F2 ayuda ahora   F10 ocultar   Esc volver   a dejar entrar   d no dejar entrar
keys-invite = F2 ayuda ahora   F10 ocultar   Esc volver   q dibujar el código
keys-settings = F2 ayuda ahora   F10 ocultar   Esc volver   Enter cambiar   Arriba Abajo elegir
keys-join = F2 ayuda ahora   F10 ocultar   Esc volver   Enter seguir
keys-more = AvPág más
you = Tú
line-new = nuevo
entries-new = { $count ->
    [one] { $count } nueva:
   *[other] { $count } nuevas:
}
answer-to = a { $name }
an-answer = una respuesta
replying = Respuesta a { $name }: { $text }
replying-to-earlier = Respuesta a algo anterior
reply-none = Aquí no hay nada así a lo que responder.
rows-below = { $count ->
    [one] { $count } línea más abajo. Fin muestra lo último.
   *[other] { $count } líneas más abajo. Fin muestra lo último.
}
opening = Se abre.
locked = Bloqueado.
locked-nothing-arrives = Nada llega mientras está bloqueado. Tu relé lo guarda para ti.
locked-type = Escribe tu frase de paso para abrir.
locked-no-passphrase = Aquí no hay frase de paso. Enter abre. Bloquear oculta lo que hay, y no lo protege.
too-small = Esta ventana es muy pequeña.
too-small-help = F2 ayuda ahora
empty-circle = Aquí todavía no se dijo nada.
empty-asking = Pediste entrar. Alguien de allí te deja entrar.
empty-no-circle = Todavía no estás en un círculo. Escribe /join para usar una invitación.
link-relay = conectado por un relé
link-direct = conectado directamente
link-none = no se llega a un relé
link-no-relay = este círculo no tiene relé
link-asking = pediste entrar
link-not-in = ya no estás en él
link-no-circle = sin círculo
field-passphrase = Frase de paso
field-code = Código
field-name = Nombre
yes-or-no = s sí, n no
yes-letter = s
yes-word = sí

## Frases sobre lo que pasó

nothing-done = No se cambió nada.
next-none = No hay nada nuevo en tus otros círculos.
no-circle = Elige antes un círculo, o escribe /join.
not-in-circle = No estás en este círculo, y por eso no se puede decir nada.
text-too-long = Es demasiado largo para un mensaje. Envíalo en partes.
name-wanted = Escribe un nombre de 1 a 40 letras.
command-unknown = No existe { $word }. Mira /help.
command-needs = Se escribe así: { $usage }
somebody-asks = { $name } pide entrar. Escribe /waiting
joined-in = Estás en { $circle }.
is-in = { $name } está dentro.
is-admitted = { $name } puede entrar. La bienvenida sale cuando se llegue a un relé.
was-declined = { $name } no entró.
yes-missing = Esto pide un sí, y aquí no hay a quién preguntar. Empieza con --yes para decirlo.
is-muted = No se te avisa de nada nuevo en { $circle }. Nadie más lo sabe. Para deshacerlo: /unmute
is-unmuted = Se te avisa otra vez de lo nuevo en { $circle }.
is-verified = { $name } está comparado.
is-blocked = Ya no ves aquí a { $name }. Nadie lo sabe. Para volver: /unblock { $name }
is-unblocked = Ves aquí otra vez a { $name }.
ask-same-words = { $name }: { $words }. Pregunta qué seis palabras hay allí, de viva voz si puedes. ¿Son las mismas?
needs-second = Otra persona a cargo tiene que hacer lo mismo. Todos ven que lo hiciste.
needs-vote = El círculo decide esto con un voto. Ya está abierto.
ask-private = Esto parece un teléfono, un correo o una dirección. Cualquiera del círculo lo puede copiar. ¿Decirlo de todos modos?
ask-decline = ¿No dejar entrar a { $name }?
ask-remove = ¿Sacar a { $name }? Lo que { $name } oyó hasta ahora queda allí.
ask-hold = ¿Apartar lo que diga { $name } durante { $span }?
ask-host = ¿Poner a { $name } a cargo? Quien está a cargo puede todo, y nadie más a cargo lo puede deshacer.
ask-role = ¿Dar a { $name } este papel: { $role }?
ask-role-off = ¿Quitar a { $name } este papel: { $role }?
done-remove = { $name } está fuera. Lo que digas desde ahora no lo puede leer { $name }.
done-hold = Lo que diga { $name } se aparta durante { $span }, y se muestra después. { $name } queda apartado.
done-role = { $name } tiene ahora este papel: { $role }.
done-role-off = { $name } ya no tiene este papel: { $role }.

## Paneles

title-keys = Teclas y órdenes
title-help = Ayuda ahora
title-where = Dónde estás
title-members = Miembros
title-votes = Decisiones
title-vote = Una decisión
title-settings = Ajustes
title-reply = ¿A qué respondes?
title-member = Miembro
title-waiting = Sala de espera
title-invite = Invitación
title-join = Entrar en un círculo
key-f1 = F1, o ? en una línea vacía: estas teclas
key-f2 = F2: ayuda ahora
key-f10 = F10, o Ctrl-X Ctrl-H: ocultar. Borra la pantalla, bloquea y termina.
key-alt-a = Alt-a: siguiente círculo con algo nuevo
key-alt-digit = Alt-1 a Alt-9: ese círculo
key-page = RePág, AvPág, Inicio, Fin: leer atrás y adelante
key-tab = Tab: completar una orden o un nombre
key-enter = Enter: enviar. Alt-Enter: línea nueva
key-up = Arriba: lo que escribiste antes
key-esc = Esc: cerrar esto
key-quit = Ctrl-Q: salir. Lo que escribiste queda como borrador.
key-commands-talk = /reply  /reply QUIÉN  /wants listen, experience, advice, off
key-commands = /invite  /members  /waiting  /join  /where
key-commands-people = /admit WHO  /decline WHO  /role WHO +host  /remove WHO
key-commands-care = /verify WHO  /block WHO  /unblock WHO  /hold WHO 24h
key-commands-decide = /votes  /vote TEXT  /cast NUMBER yes
key-commands-settings = /config  /mute  /unmute
key-commands-more = /circle NAME  /next  /help-now  /lock  /hide  /quit
help-choose = No molestas a nadie. Elige:
help-country = Elige tu país:
help-call = llama al { $number }
help-text = escribe un mensaje al { $number }
help-text-word = escribe { $word } al { $number }
help-read-on = leído el { $date }
help-old = Leído el { $date }. Puede no estar al día.
help-not-checked = Nadie ha revisado aún estos números.
country-none = sin elegir
country-au = Australia
country-us = Estados Unidos
help-danger = En peligro, llama a emergencias de tu zona.
help-dying = Si alguien habla de quitarse la vida: Pregunta sin rodeos. Quédate. Busca una línea de ayuda.
help-steward = Avisa a quien cuida el círculo. Cuídate tú también.
help-withdrawal = Dejar de golpe el alcohol o algunas pastillas puede hacerte daño. Llama a un médico o a emergencias.
help-nobody-watches = Nadie vigila este círculo día y noche.
where-members = { $count ->
    [one] { $count } miembro
   *[other] { $count } miembros
}
where-roles = Tu papel aquí: { $roles }
where-muted = No se te avisa de nada nuevo aquí: /unmute
where-queued = { $count ->
    [0] Nada espera para salir.
    [one] { $count } mensaje espera para salir.
   *[other] { $count } mensajes esperan para salir.
}
where-room = { $count ->
    [0] Nadie pide entrar.
    [one] { $count } persona pide entrar.
   *[other] { $count } personas piden entrar.
}
where-version = Hearthlight { $version }
member-you = tú
member-held = apartado
member-left = se fue
member-removed = fuera
member-verified = comparado
member-blocked = no se ve aquí
member-verify = Comparar seis palabras: /verify { $name }
member-block = No ver nada suyo aquí: /block { $name }
member-since = aquí desde { $date }
member-role = Dar un papel: /role { $name } +host
member-hold = Apartar lo que dice: /hold { $name } 24h
member-remove = Sacar del círculo: /remove { $name }
room-asks = { $count ->
    [one] { $count } persona pide entrar. Escribe /waiting
   *[other] { $count } personas piden entrar. Escribe /waiting
}
room-empty = Nadie pide entrar.
room-line = { $name }  pidió a las { $clock }
room-invite = con la invitación { $label }
room-admitting = en camino
room-words = Pregunta por sus seis palabras, de viva voz si puedes. Si son las mismas, es esa persona.
invite-making = Se hace una invitación.
invite-pass-on = Pasa este código a una persona:
invite-until = { $count ->
    [one] Hasta { $until } { $count } persona puede pedir entrar con él.
   *[other] Hasta { $until } { $count } personas pueden pedir entrar con él.
}
invite-not-registered = Ningún relé lo conoce aún. Sirve cuando se llegue a un relé.
invite-check-group = Mira el grupo { $group } ({ $typed }, como está escrito).
invite-cut-off = Falta el final: aquí hay { $have } de { $of } grupos.
invite-cut-off-somewhere = Falta el final. Grupos que hay aquí: { $have }.
invite-once = El código no se muestra otra vez.
qr-no-room = El dibujo necesita una ventana más grande. Esc vuelve.
join-code = Pega el código de tu invitación. Empieza con HL1.
join-looking = Se mira a dónde lleva el código.
join-asking = Se pide entrar.
join-asked = Pediste entrar en { $circle }. Alguien de allí te dejará entrar.
join-words = Quien te deja entrar puede comparar contigo estas palabras:
join-name = Elige tu nombre allí. Enter pide entrar con él, Esc no.
join-name-links = El mismo nombre en dos círculos los uniría.
card-operator = Este relé lo lleva { $operator }.
card-no-operator = Este relé no dice quién lo lleva.
card-keeps = Guarda las cosas durante { $span }.
card-sees = El relé ve direcciones de internet, horas y tamaños. No ve palabras ni nombres.
card-circle = Círculo: { $circle }
card-rule = Regla: { $rule }
card-open = Entras en seguida. Ves lo que se diga desde entonces.
card-ask = Alguien de allí te deja entrar. Ves lo que se diga desde entonces.
limit-secret = Ningún miembro tiene derecho legal a callar lo que oye, y algunos tal vez tengan que contarlo.
limit-copy = Cualquiera puede copiar lo que hay en una pantalla.
limit-spy = Un programa espía en un equipo lo ve todo. No uses el portátil del trabajo.
limit-doctor = Nadie aquí es tu médico, y nadie vigila este círculo día y noche.

## Ajustes

setting-language = Idioma: { $value }
setting-country = País para las líneas de ayuda: { $value }
setting-lock = Se cierra sin más tras: { $value }
setting-notify = Cuando hay algo nuevo: { $value }
setting-quiet = Horas de silencio: { $value }
setting-hide-keys = Mayús tres veces oculta la página: { $value }
language-terminal = como tu terminal
language-en = English
language-es = Español
lock-5m = 5 minutos
lock-15m = 15 minutos
lock-1h = 1 hora
lock-4h = 4 horas
lock-never = nunca
notify-mark = una marca en la página
notify-bell = el timbre del terminal
notify-off = nada
quiet-none = ninguna
quiet-night = de 22:00 a 07:00
hide-keys-on = sí
hide-keys-off = no
setting-saved = Guardado.
settings-keys = Aquí oculta F10, y también Ctrl-X Ctrl-H.
settings-other = Otros valores: /config set notify.quiet 23:00-06:00

## Decisiones

choice-yes = sí
choice-no = no
choice-abstain = abstención
choice-aside = hacerse a un lado
choice-block = bloquear
vote-open = abierta hasta { $until }
vote-counting = se cuenta hasta { $until }
vote-carried = aprobada
vote-not-carried = no aprobada
vote-no-quorum = participaron muy pocos
vote-blocked = bloqueada
vote-lapsed = sin decisión, pregunta otra vez
vote-cast = { $cast } de { $all } eligieron
vote-mine = tú: { $choice }
vote-by = Lo pregunta { $name }.
vote-remove = Si se aprueba, { $name } queda fuera.
vote-elect = Si se aprueba, { $name } tiene este papel: { $role }.
vote-rename = Si se aprueba, el círculo se llama { $circle }.
vote-choose = Elige: 1 sí, 2 no, 3 abstención, 4 hacerse a un lado, 5 bloquear. Todos ven quién eligió qué.
vote-chosen = Elegiste: { $choice }. Puedes elegir otra vez hasta que cierre.
vote-asked = Se ha preguntado al círculo.
vote-waits = Sale cuando se alcance un relé.
vote-none = Aquí ninguna votación va con eso. Mira /votes
votes-none = Aquí todavía no se ha votado nada.
votes-first = Esto es lo que se vota. Di otra vez cuál es.
votes-ask = Para preguntar al círculo: /vote TEXT
