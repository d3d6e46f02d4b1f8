"""Verbs of tools as data, in several languages: those that look, and those that change.

A name or a description is compared word by word, without accents and in lower case. German,
Spanish, French, Portuguese, Italian and Dutch verbs stand as infinitive and as third person.
"""

import re
import unicodedata


def _of(text: str) -> frozenset[str]:
    return frozenset(text.split())


READS = _of("""
    get fetch find search list read look lookup show view describe retrieve query check count
    calculate compute estimate compare explain browse preview inspect verify validate whoami
    who what which is has can think display load scan select filter resolve
    track translate summarize summarise convert quote
    suchen sucht finden findet abrufen ruft zeigen zeigt anzeigen lesen liest prufen pruefen pruft
    prueft auflisten listet holen holt laden ladt berechnen berechnet abfragen nachsehen
    buscar busca encontrar encuentra obtener obtiene listar lista consultar consulta leer lee
    mostrar muestra ver verificar verifica comprobar comprueba calcular calcula
    chercher cherche rechercher recherche trouver trouve obtenir obtient lister liste lire lit
    afficher affiche consulter consulte verifier verifie calculer calcule
    procurar procura obter obtem ler le exibir exibe
    cercare cerca trovare trova ottenere ottiene elencare elenca leggere legge mostrare mostra
    zoeken zoekt vinden vindt ophalen haalt tonen toont lezen leest controleren controleert
""")

WRITES = _of("""
    create add insert make write update edit modify change set put patch upsert save store rename
    delete remove drop clear purge erase reset cancel revoke void reverse undo restore copy
    send reply forward post publish share notify email invite message
    book reserve rebook reschedule schedule move postpone confirm
    pay charge refund transfer withdraw deposit buy purchase order checkout redeem
    return exchange replace swap issue grant approve reject deny accept decline assign unassign
    enroll enrol enable disable activate deactivate suspend resume block unblock lock unlock freeze
    unfreeze close open reopen submit file register unregister subscribe unsubscribe sign apply
    upload import merge split append attach detach start stop restart run execute deploy install
    uninstall toggle turn waive dispute claim escalate report log record enter upgrade downgrade
    extend renew terminate archive unarchive mark flag rate complete finish increase decrease raise
    lower link unlink release place request pass give take call dial fill
    anlegen legt erstellen erstellt hinzufugen hinzufuegen fugt andern aendern andert aendert
    aktualisieren aktualisiert loschen loeschen loscht loescht entfernen entfernt stornieren
    storniert absagen sagt buchen bucht umbuchen reservieren reserviert verschieben verschiebt
    verlegen verlegt senden sendet schicken schickt bezahlen zahlen zahlt uberweisen ueberweisen
    uberweist sperren sperrt entsperren entsperrt setzen setzt bestellen bestellt speichern
    speichert eintragen tragt genehmigen genehmigt ablehnen beantragen
    crear crea agregar agrega anadir anade actualizar actualiza modificar modifica cambiar cambia
    eliminar elimina borrar borra quitar quita cancelar cancela anular anula reservar reserva mover
    mueve enviar envia pagar paga transferir transfiere reembolsar reembolsa comprar compra
    bloquear bloquea desbloquear desbloquea registrar registra guardar guarda reprogramar
    creer cree ajouter ajoute modifier modifie changer supprimer supprime effacer annuler
    annule reserver deplacer deplace envoyer envoie payer paie rembourser rembourse acheter achete
    bloquer bloque debloquer enregistrer enregistre
    criar cria adicionar adiciona atualizar atualiza alterar altera excluir apagar
    creare aggiungere aggiunge aggiornare aggiorna modificare cambiare eliminare cancellare
    cancella annullare annulla prenotare prenota spostare sposta inviare invia pagare bloccare
    aanmaken toevoegen wijzigen wijzigt verwijderen verwijdert annuleren annuleert boeken boekt
    verplaatsen verplaatst verzenden betalen betaalt blokkeren blokkeert
""")

NOUNS = _of("""
    book order transfer schedule message post ticket charge refund file request invite return
    exchange claim
""")
"""Verbs that are nouns as well: `order_status` looks, `order_replacement` does not."""

SURELY_LOOKED_AT = _of(
    "status details history search lookup verlauf historial historique suche list"
)
"""Nouns at the end of the name of a tool that looks, whatever noun stands before them."""

LOOKED_AT = SURELY_LOOKED_AT | _of("""
    detail info information balance availability available summary forecast overview count
    total price prices options results report statement liste estado saldo statut solde
""")
"""The same where no verb stands before them: `account_balance`, and not `transfer_balance`."""

CHANGED = _of("""
    creation update deletion removal cancellation cancelation booking reservation payment
    registration submission
""")
"""Nouns at the end of the name of a tool that changes."""

TELLS = _of("return returns gives provides reports")
"""What a description may say of the tool itself: `Returns the orders` sends nothing back."""

BESIDE = _of("in out off")
"""Particles behind `check` that make it a change: `check_in`, `check_out`."""

PARTS = _of("to of for by from the a an please securely")
"""Words that are passed over."""

JOINTS = _of("and or then und oder y o et ou e en")

LOOKING = _of("検索 取得 一覧 確認 照会 表示 参照 查询 获取 搜索 查看 列出 조회 검색")
CHANGING = _of("""
    予約 キャンセル 取り消 変更 更新 削除 作成 送信 登録 追加 移動 支払
    创建 删除 修改 取消 发送 预订 支付 예약 취소 변경 삭제 생성
""")
"""Stems of languages that do not part words: the last one of a sentence is its verb."""

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_SERVER = re.compile(r"^.*(?:__|[:/])")
_WORD = re.compile(r"[^\W\d_]+")


SURELY_LOOKING = _of("get list read fetch find search show view describe retrieve lookup")
"""Those that mean nothing else at the beginning of a name."""


def name_words(name: str) -> list[str]:
    """Return the words of a tool's name, without that of its server."""
    return words(_CAMEL.sub(" ", _SERVER.sub("", name)))


def words(text: str) -> list[str]:
    """Return the words of a text in lower case, without accents."""
    parts = unicodedata.normalize("NFKD", text)
    plain = "".join(c for c in parts if not unicodedata.combining(c))
    return [word.lower() for word in _WORD.findall(plain)]
