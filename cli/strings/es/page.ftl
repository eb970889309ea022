# Las palabras de la página. Solo texto, {$name} y una elección por número (U-126).
# Frases de 20 palabras como mucho; se tutea.

## En todas partes
skip = Ir al contenido
ways = Caminos
circles = Círculos
rooms = En este círculo
help-now = Ayuda ahora
hide = Ocultar
loading = Un momento.
again = Probar otra vez
back = Atrás
next = Seguir
no = No
close = Cerrar
good = Bien
more = Más
save = Guardar
saved = Guardado.
not-now = Ahora no
you = Tú
somebody = Alguien
new-activity = Hay algo nuevo
rules = Reglas
relays = Repetidores

## Cómo están las cosas
gone = Hearthlight no está en marcha. Ponlo en marcha con:
gone-title = No está en marcha
gone-help = Lo que escribiste está guardado. Los números de Ayuda ahora siguen aquí.
no-token = Esta pestaña no tiene la llave de tu casa. Ciérrala y abre otra desde una terminal con:
no-token-title = Ábrela desde una terminal
no-token-help = Cada llave sirve una vez, en una pestaña. Los números de Ayuda ahora siguen aquí.
offline = Ahora no se llega a ningún repetidor. Lo que escribas espera aquí y sale solo.
no-relay = Este círculo no tiene repetidor, así que aún nadie te oye.
no-relay-do = Añadir un repetidor
full = El disco de este ordenador está lleno. Haz sitio, porque no se puede guardar nada nuevo.
starting-title = Un momento.

## Círculos
circles-none = Todavía no estás en ningún círculo.
circles-join = Alguien te dio un código. Empieza por HL1.
circles-start = Tú reúnes a la gente y tienes la dirección de un repetidor.
circle-members = { $count ->
    [one] Solo tú
   *[other] {$count} personas
 }
circle-new = { $count ->
    [one] {$count} nuevo
   *[other] {$count} nuevos
 }
circle-asks = aún no te abrieron
circle-waiting = { $count ->
    [one] {$count} persona espera
   *[other] {$count} personas esperan
 }
circle-read = Lo que se dijo antes
circle-asking = Pediste entrar. Alguien de allí tiene que decir que sí.
circle-left = Saliste de este círculo. Lo que se dijo antes sigue aquí hasta que pase su tiempo.
circle-removed = Ya no estás en este círculo. Lo que se dijo antes sigue aquí hasta que pase su tiempo.
circle-ended = Este círculo ha terminado. Lo que se dijo antes sigue aquí hasta que pase su tiempo.
room-talk = Hablar
room-people = Personas
room-votes = Decisiones
room-invite = Invitar
room-waiting = En la puerta
room-about = Sobre el círculo

## Primeros pasos
welcome-1 = Antes de empezar
welcome-2 = Tu nombre
welcome-3 = Tu frase de paso
welcome-4 = Ocultar esta página
welcome-step = Paso {$step} de {$all}
welcome-begin = Empezar
what-is = Qué es
what-is-1 = Un lugar para hablar en círculos pequeños, con gente que conoces o que te invitó.
what-is-2 = Lo que dices va sellado. Solo pueden leerlo las personas del círculo.
what-is-3 = No lo lleva ninguna empresa. Es un programa en tu ordenador.
what-is-4 = Puedes salir, o borrarlo todo aquí, cuando quieras.
what-is-not = Qué no es
what-is-not-1 = Nadie vigila un círculo día y noche. Si hay peligro, llama al número de emergencias de tu país.
what-is-not-2 = Aquí nadie es tu médico. No da consejos médicos.
what-is-not-3 = Cualquiera en un círculo puede copiar lo que ve en su pantalla.
what-is-not-4 = Los programas espía de este ordenador lo ven todo. Usa uno que solo cuides tú.
what-is-not-5 = Aún no hay copia de seguridad. Sin este ordenador, tu copia desaparece.
what-page = Los números para llamar o escribir están en Ayuda ahora, en cada página.
your-name = ¿Cómo quieres que te llamen?
your-name-hint = Se queda en este ordenador. Elige un nombre que no diga nada de ti. Puedes usar otro en cada círculo.
passphrase = Frase de paso
passphrase-why = La frase de paso abre lo que se guarda aquí. Nadie puede decirte cuál era ni hacer otra.
passphrase-made = Usar estas seis palabras
passphrase-made-hint = Escríbelas ahora en papel y guarda el papel en otro sitio.
passphrase-own = Elegir la mía
passphrase-own-field = Tu frase de paso
passphrase-own-hint = Van bien varias palabras que no sean de una canción ni de un dicho.
passphrase-again = Otra vez la misma
passphrase-differs = Las dos no son iguales. Escribe otra vez la segunda.
passphrase-look = Mostrar lo que escribo
passphrase-none = Seguir sin ella
passphrase-none-hint = Entonces cualquiera que use este ordenador puede leerlo todo.
hide-what = El botón Ocultar tapa esta página al momento, la cierra con llave y muestra una página de notas.
hide-keys-what = Pulsa tres veces la tecla Mayús en cinco segundos. También sirve mientras escribes.
hide-keys-on = Mayús tres veces oculta la página
hide-limits = El navegador recuerda que 127.0.0.1 estuvo abierto. Quien esté a tu lado puede notar un cambio brusco.

## Entrar
join-title = Entrar en un círculo
join-code = Pega tu código
join-code-hint = Empieza por HL1. Los espacios, los cortes de línea y las minúsculas no importan.
join-look = Ver de quién es
join-looking = Buscando el círculo. Puede tardar unos segundos.
join-consider = ¿Quieres entrar?
join-ask = Alguien del círculo te abre.
join-open = Quien tiene un código entra enseguida.
join-newcomers = Ves lo que se dice después de entrar, y nada de antes.
join-limits = Bueno de saber
limit-1 = Cualquiera puede copiar lo que está en una pantalla.
limit-2 = La ley no protege como secreto lo que oyen los miembros.
limit-3 = Un ayudante con licencia puede tener el deber de avisar de lo que oye. Pregunta antes de contar.
limit-4 = Un anfitrión puede sacar a un miembro. Lo que ese miembro leyó se queda con él.
join-name = Tu nombre allí
join-name-hint = Los demás ven este nombre. Uno nuevo en cada círculo separa tus círculos.
join = Entrar
join-wait = Esperando a que te abran
join-asked = Pediste entrar en {$circle} como {$name}. Alguien de allí te contestará.
join-patience = Puede tardar un rato. Puedes cerrar esta página; tu pregunta sigue en pie.
join-words = Quien te abre ve las mismas seis palabras. Comparadlas de viva voz, si podéis.
join-stop = No preguntar más
join-again = Usar otro código
six-title = Seis palabras
relay-by = Repetidor llevado por {$operator}
relay-unknown = Nadie ha dicho quién lleva este repetidor
relay-what = Qué es un repetidor
relay-who = Un repetidor pasa mensajes sellados. Alguien de tu círculo o cercano puede llevar uno: hearthlight relay init
relay-sees = Puede ver: direcciones de internet, horas, tamaños y qué buzones van juntos.
relay-sees-not = No puede ver: palabras, nombres ni quién dijo qué.
relay-state = Ahora
relay-up = Se llega a él
relay-down = No se llega a él
relay-hosting = Está en
relay-contact = Contacto
relay-keeps = Guarda durante
relay-address = Dirección
relay-one = Un solo repetidor lleva este círculo. Quien lo lleva puede retener cosas. Otro, llevado por otra persona, da más seguridad.
relay-add = Añadir este repetidor
relay-new = Dirección de otro repetidor
relay-remove = Quitar este repetidor
relay-remove-ask = ¿Quitar este repetidor del círculo?
relay-remove-what = Nadie del círculo lo usa ya. Puedes añadirlo otra vez.
relay-remove-last = Es el único. Sin repetidor no oyes a nadie, y nadie te oye.

## Empezar un círculo
start-title = Crear un círculo
start-intro = Serás su anfitrión. Después invitas a la gente, con un código para cada persona.
start-name = Nombre del círculo
start-name-hint = La gente lo ve cuando la invitas. Elige uno que no diga nada a los demás.
start-as = Tu nombre allí
start-relays = Dirección de un repetidor
start-relays-hint = Empieza por hl-relay: y te la da quien lleva el repetidor. Dos dan más seguridad que uno.
start-admit = Cómo se entra
start = Crear el círculo
admit-ask = Alguien abre la puerta
admit-ask-hint = Quien llega espera en la puerta hasta que alguien dice que sí.
admit-open = Basta un código
admit-open-hint = Para círculos abiertos, donde puede entrar cualquiera con un código.

## Hablar
feed = Lo que se dice
feed-none = Aquí aún no se dijo nada. Puedes empezar tú.
earlier = Antes
later = Volver a lo más nuevo
new = Nuevo
arrived = { $count ->
    [one] {$count} mensaje nuevo
   *[other] {$count} mensajes nuevos
 }
says = {$name} dice
reply = Responder
reply-to = Responder a {$name}
reply-line = A {$name}:
reply-not = No responder
reply-listen = Quien escribió esto quiere que le escuchen, no que le respondan. Puedes decir:
support-with-you = Estoy contigo
support-heard = Te escucho
support-thank-you = Gracias
write = Escribe un mensaje
write-more = Deseos y notas
write-keys = Intro envía. Mayús e Intro empiezan otra línea.
send = Enviar
wants = Deseo
wants-none = nada en especial
wants-listen = que me escuchen
wants-experience = lo que otros han vivido
wants-advice = un consejo
wants-listen-line = Desea que le escuchen, no que le respondan.
wants-experience-line = Desea oír lo que otros han vivido.
wants-advice-line = Desea un consejo.
note = Nota delante
note-hint = Los demás ven primero esta nota y abren el mensaje si quieren.
note-open = Nota: {$note}. Abrir
marks-title = Qué quieren decir las palabras tras tus mensajes
mark-waiting = en espera
mark-relayed = en el repetidor
mark-received = { $members ->
    [one] recibido
   *[other] recibido por {$count} de {$members}
 }
mark-waiting-word = en espera
mark-waiting-what = Está en este ordenador y sale cuando se llega a un repetidor o a un miembro.
mark-relayed-word = en el repetidor
mark-relayed-what = Lo tiene un repetidor, sellado.
mark-received-word = recibido por 2 de 5
mark-received-what = Lo tienen los ordenadores de 2 de los otros 5. Eso no dice que lo hayan leído.
road-relay = Conectado por un repetidor.
road-direct = Conexión directa.
road-offline = Sin conexión ahora.
road-sees = Qué ve
gap-count = { $count ->
    [one] Falta {$count} entrada.
   *[other] Faltan {$count} entradas.
 }
gap-some = Faltan algunas entradas.
gap-asks = Preguntando a {$names}.
gap-asking = Preguntando por ello.
gap-key-coming = Su llave está en camino.
gap-not-a-member-then = Esto se dijo antes de que entraras.
gap-forgotten = Lo que se dijo aquí se olvidó, como acordó el círculo.
gap-damaged = Llegó dañado. Se pide otra vez.
gap-newer-version = Necesita un Hearthlight más nuevo. Actualiza este.
line-joined = {$name} ha entrado.
line-left = {$name} ha salido.
line-removed = Sacaron a {$name} del círculo.
line-removed-why = Sacaron a {$name} del círculo. El motivo que dieron: {$reason}
line-role-given = {$name} tiene ahora este papel: {$role}.
line-role-ended = {$name} ya no tiene este papel: {$role}.
line-vote-asked = {$name} pregunta al círculo: {$text}
line-vote-carried = El círculo dijo que sí a: {$text}
line-vote-not-carried = El círculo no dijo que sí a: {$text}
line-vote-no-quorum = Participaron muy pocos para decidir: {$text}
line-vote-blocked = Alguien bloqueó: {$text}
line-differs = {$name} envió cosas distintas a personas distintas. Todos lo ven todo.
line-exceeds = {$name} envió más de lo que admite el círculo.
line-newer = Hecho con una versión más nueva.
link-ask = ¿Abrir esta página?
link-what = Se abre en otra pestaña. El sitio ve tu dirección de internet.
link-yes = Abrirla
private-ask = ¿Hay un teléfono, un correo o una calle?
private-what = Todos en el círculo pueden copiarlo. No se puede retirar.
private-yes = Enviarlo
private-no = Mirar otra vez

## Personas
people-alone = Aquí solo estás tú. Invita a alguien.
people-gone = Quién estuvo antes
people-all = Todas las personas
member-since = desde el {$date}
member-held = en pausa
member-left = salió
member-removed = fuera del círculo
member-verified = palabras comparadas
member-blocked = no quieres ver lo que dice
member-me = Esta persona eres tú. Puedes salir en Sobre el círculo.
member-term = {$role} hasta el {$date}.
member-removal = {$names} pidió sacar a este miembro. Un segundo anfitrión tiene que pedir lo mismo.
role-host = anfitrión
role-steward = cuidador
role-chair = moderador
role-greeter = quien recibe
role-timekeeper = quien mide el tiempo
role-treasurer = tesorero
role-facilitator = facilitador
roles = Tareas
roles-what = Un anfitrión puede hacerlo todo. Un cuidador invita, abre la puerta y puede pausar lo que alguien dice.
role = Otra tarea
role-give = Dar esta tarea
role-make-host = Hacer anfitrión
role-drop = Retirar: {$role}
verify = Mostrar las seis palabras
verify-what = {$name} y tú veis las mismas seis palabras, si no hay nadie en medio. Comparadlas de viva voz.
verify-ask = ¿Ve {$name} las mismas seis palabras?
verify-same = Sí, las mismas
verify-other = No, otras
verify-differs = Entonces no le cuentes nada aquí a {$name} por ahora. Habla con un anfitrión, de viva voz.
hold = Pausa
hold-what = Lo que dice {$name} se aparta un tiempo y luego se muestra. Así todos ganan tiempo.
hold-on = Lo que dice este miembro se aparta ahora y se muestra al acabar la pausa.
hold-for = Durante
hold-do = Pausar
hold-end = Acabar la pausa
block = No ver
block-what = Ya no ves lo que dice este miembro. Solo lo sabe este ordenador. No se avisa a nadie.
block-undo = Ver otra vez
remove = Sacar
remove-what = {$name} sale del círculo. Habladlo antes entre todos.
remove-reason = Motivo
remove-reason-hint = Lo puede leer todo el mundo, también quien sale.
remove-ask = ¿Sacar a {$name} del círculo?
remove-then = No podrá leer lo que digas desde ahora. Los códigos abiertos se cierran.
remove-stays = Lo que leyó y copió se queda con esa persona.
remove-yes = Sacar
remove-done = { $count ->
    [one] {$name} está fuera. Se cerró {$count} código abierto.
   *[other] {$name} está fuera. Se cerraron {$count} códigos abiertos.
 }
remove-needs-second = Un segundo anfitrión tiene que pedir lo mismo. Hasta entonces, nada cambia.
remove-needs-vote = Decide el círculo. Ha empezado una votación.

## Invitar y la puerta
invite-what = Un código da derecho a pedir entrar. Dalo en mano o de viva voz, si puedes.
invite-uses = Quién puede usarlo
invite-people = { $count ->
    [one] {$count} persona
   *[other] {$count} personas
 }
invite-lasts = Por cuánto tiempo
invite-label = Para quién es
invite-label-hint = Solo lo ves tú. Ayuda a saber quién pregunta.
invite-make = Hacer un código
invite-made = Aquí está el código
invite-until = { $count ->
    [one] {$count} persona puede usarlo, hasta el {$date}.
   *[other] {$count} personas pueden usarlo, hasta el {$date}.
 }
invite-once = Se muestra solo esta vez. No lo pongas donde otros puedan leerlo.
invite-unregistered = Aún no lo conoce ningún repetidor. Deja Hearthlight en marcha; servirá dentro de un rato.
invite-copy = Copiar el código
invite-copied = Copiado.
invite-copy-by-hand = Marca el código y cópialo a mano.
invite-qr = O deja que un teléfono lea esto.
invite-qr-name = El código como un cuadrado para leer con la cámara
invite-open = Códigos abiertos
invite-none = No hay ningún código abierto.
invite-past = Códigos de antes
invite-by = Hecho por {$name}
invite-live = { $count ->
    [one] para {$count} persona más, hasta el {$date}
   *[other] para {$count} personas más, hasta el {$date}
 }
invite-used = usado
invite-expired = terminó el {$date}
invite-revoked = retirado
invite-back = Retirar
invite-back-what = Nadie más puede preguntar con él. Quien ya preguntó sigue esperando en la puerta.
invite-back-yes = Retirarlo
waiting-none = No hay nadie en la puerta.
waiting-what = Pregunta quién es, de viva voz si puedes. Después comparad las seis palabras.
waiting-asked = Preguntó el {$date}.
waiting-label = Con el código para {$label}.
waiting-words = Esa persona ve las mismas seis palabras:
waiting-admitting = Está entrando.
waiting-in = {$name} ya está dentro.
waiting-out = Se le dijo a {$name} que esta vez no puede ser.
admit = Abrir
decline = No abrir
decline-ask = ¿No abrir a {$name}?
decline-what = Se le dice que el círculo no le abrió esta vez.

## Sobre un círculo
rules-none = Aún no hay reglas escritas.
about-admit = Cómo se entra
about-hosts = Anfitriones
about-keeps = Guarda lo que se dice durante
about-keeps-all = tanto como alguien lo guarde
label = Nombre en este ordenador
label-field = Cómo llamas a este círculo
label-hint = Solo lo ves tú.
leave = Salir del círculo
leave-ask = ¿Salir de {$circle}?
leave-what = No hace falta un motivo. Los demás ven que saliste. Para volver necesitas otro código.
leave-only-host = Eres su único anfitrión. Después de ti, nadie puede abrir ni sacar a nadie allí.
leave-yes = Salir
forget = Quitar de este ordenador
forget-ask = ¿Quitar {$circle} de este ordenador?
forget-what = Aquí se borra todo lo de este círculo. No se puede deshacer.
forget-yes = Quitarlo

## Ayuda
help-title = Ayuda ahora
help-intro = No molestas. Elige:
help-country = ¿En qué país estás?
help-danger = Si estás en peligro, llama al número de emergencias de tu país.
help-call = Llama al {$number}
help-text = Escribe al {$number}
help-web = {$number}
help-text-say = Escribe {$say} al {$number}
help-read = Leído el {$date} en su fuente:
help-old = Revisado el {$date}. Puede haber cambiado. Fuente:
help-unchecked = Una persona aún no ha revisado estos números.
help-other-country = Otro país
help-circle = Preguntar a alguien de mis círculos
help-card = Cuando alguien habla de morir
help-card-1 = Pregúntale sin rodeos.
help-card-2 = Quédate a su lado.
help-card-3 = Busca una línea de ayuda.
help-card-4 = Avisa a un cuidador.
help-card-5 = Cuídate tú también.
help-stopping = Dejar de golpe el alcohol o algunas pastillas puede hacerte daño. Llama a un médico o a emergencias.

## Ajustes
settings-title = Ajustes
settings-look = Aspecto e idioma
settings-theme = Claro u oscuro, como tu ordenador.
settings-notices = Avisos
settings-lock = Llave
language = Idioma
country = País
country-hint = Los números de Ayuda ahora son de este país.
country-none = sin elegir
page-title = Nombre de esta pestaña
page-title-hint = Nunca cambia por sí solo y no muestra números.
page-away = Al ocultar, mostrar
away-notes = una página de notas
away-blank = una página vacía
notify = Cuando hay algo nuevo
notify-mark = escribir Hay algo nuevo en esta página
notify-off = no decir nada
quiet = Horas tranquilas
quiet-hint = Ningún aviso en esas horas. Los mensajes llegan igual.
quiet-from = Desde
quiet-to = Hasta
lock-after = Cerrar con llave después de
lock-5m = 5 minutos
lock-15m = 15 minutos
lock-1h = 1 hora
lock-4h = 4 horas
lock-never = nunca
lock-hint = Contados desde la última vez que hiciste algo.
lock-bare = Aquí no hay frase de paso. La llave oculta lo que hay, pero no lo protege.
lock-now = Cerrar ahora
spellcheck = Dejar que el navegador revise la ortografía
spellcheck-hint = Algunos navegadores envían para eso a una empresa lo que escribes.
guard-title = Lo que esta página no puede
guard = No protege de programas espía, añadidos del navegador, quien administra este ordenador o quien lo tiene abierto.
guard-history = El navegador guarda 127.0.0.1 en su historial.
erase = Borrarlo todo
erase-what = Se borran todos los círculos, palabras y llaves de este ordenador.
erase-ask = ¿Borrarlo todo en este ordenador?
erase-stays = No se puede deshacer. Lo que tienen otros se queda con ellos. Un cambio brusco se puede notar.
erase-yes = Borrarlo
locked-title = Cerrado con llave
locked-arrives = Mientras está cerrado, no llega nada.
locked-relay = Tu repetidor te lo guarda.
locked-bare = No hay frase de paso. Cualquiera que use este ordenador puede abrirlo.
unlock = Abrir

## Lo que no pudo ser, y una cosa que hacer
problem-internal = Algo no salió bien aquí. Prueba otra vez o escribe: hearthlight doctor
problem-disk-full = El disco está lleno y no se cambió nada. Haz sitio y hazlo otra vez.
problem-usage = Esto no se entiende. Mira lo que escribiste.
problem-no-match = Ya no está. Vuelve atrás y mira otra vez.
problem-needs-input = Aquí hay algo vacío. Rellénalo.
problem-too-large = Es demasiado largo. Envíalo por partes.
problem-label-taken = Otro círculo de aquí tiene ese nombre. Elige otro.
problem-relay-address-damaged = No se puede leer la dirección del repetidor. Cópiala otra vez de quien te la dio.
problem-wrong-passphrase = Esa no es la frase de paso. Escríbela otra vez. No se cuenta nada.
problem-needs-passphrase = Escribe primero la frase de paso.
problem-not-an-invite = Esto no es una invitación. Una invitación empieza por HL1.
problem-invite-damaged = Hay más de una letra mal copiada. Cópialo otra vez desde el principio.
problem-invite-group = Mira el grupo {$group} ({$typed}, como está escrito).
problem-invite-short = Falta el final: aquí hay {$have} de {$all} grupos.
problem-invite-newer = La hizo un Hearthlight más nuevo. Actualiza este y prueba otra vez.
problem-invite-expired = Esta invitación ha terminado. Pide otra. Si aún no era la hora, mira el reloj de este ordenador.
problem-invite-used = Esta invitación ya se usó. Pide otra; cada una sirve una vez.
problem-invite-revoked = Esta invitación se retiró. Pide otra.
problem-invite-unknown = El repetidor no conoce esta invitación. Puede que haya terminado. Pide otra.
problem-unreachable = No se llegó al repetidor y no se cambió nada. Prueba más tarde.
problem-timed-out = La respuesta no llegó a tiempo. Prueba más tarde.
problem-no-relay = Este círculo no tiene repetidor. Añade uno en Sobre el círculo.
problem-already-set-up = Aquí ya está todo listo. Abre esta página otra vez.
problem-declined = El círculo no te abrió esta vez.
problem-removed = Ya no estás en este círculo. Para volver necesitas otro código.
problem-not-allowed = Para esto hace falta una tarea que no tienes aquí. Pregunta a un anfitrión.
problem-another-host = Un anfitrión no puede hacerle esto a otro. Dos anfitriones juntos pueden sacar a un tercero.
problem-only-host = Eres el único anfitrión. Antes haz anfitrión a otra persona.
problem-held-lately = Ya hubo una pausa en los últimos 14 días. Habladlo en el círculo.
problem-banned = El repetidor no atiende a este ordenador. Pregunta a quien lo lleva.
problem-quota = Ahora no hay sitio para más. Espera un poco y prueba otra vez.
problem-listen-only = Quien escribió esto quiere que le escuchen, no que le respondan. Di algo tuyo en otro mensaje.
problem-relay-mismatch = En esta dirección contesta otro repetidor. No sigas. Pregunta a quien te dio el código.
problem-store-damaged = Lo guardado aquí está dañado. Deja la carpeta como está y escribe: hearthlight doctor

## Decisiones

votes-what = Cualquiera puede preguntar y todos eligen. Todos ven quién eligió qué.
votes-none = Aún no se preguntó nada.
votes-over = Decidido
votes-text = ¿Qué preguntas?
votes-ask = Preguntar al círculo
votes-asked = El círculo ya tiene la pregunta.
vote-then = Si se aprueba
vote-then-none = No sigue nada por sí solo
vote-then-elect = Alguien recibe una tarea
vote-then-remove = Alguien sale del círculo
vote-then-name = El círculo tiene un nombre nuevo
vote-sure = ¿Preguntar al círculo?
vote-sure-what = Lo que decida se hace por sí solo.
vote-whom = De quién se trata
vote-role = Qué tarea
vote-name = El nombre nuevo
vote-by = Lo pregunta {$name}.
vote-open = Abierta hasta {$until}.
vote-counting = Se cuenta hasta {$until}.
vote-carried = Se aprobó.
vote-not-carried = No se aprobó.
vote-no-quorum = Participaron muy pocos.
vote-blocked = Alguien la bloqueó.
vote-lapsed = No hubo decisión. Pregunta otra vez.
vote-remove = Si se aprueba, {$name} sale del círculo.
vote-elect = Si se aprueba, {$name} tiene este papel: {$role}.
vote-rename = Si se aprueba, el círculo se llama {$circle}.
vote-cast = Eligieron {$cast} de {$all}.
vote-who = Quién eligió qué
choice-yes = Sí
choice-no = No
choice-abstain = Abstención
choice-aside = Hacerse a un lado
choice-block = Bloquear
