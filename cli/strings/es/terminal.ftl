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
