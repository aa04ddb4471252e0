using System.Globalization;
using System.Security.Cryptography;
using CrnMlNet.Evaluation.Studies;
using Microsoft.Data.Sqlite;

namespace CrnMlNet.Study;

/// <summary>What became of an answer.</summary>
public enum AnswerOutcome
{
    /// <summary>It is on the disk, now or since an earlier try of the same answer.</summary>
    Saved,

    /// <summary>The worker has answered the pair otherwise before; that answer stays.</summary>
    AnsweredOtherwise,

    /// <summary>The worker has no job, or one without that pair.</summary>
    NotOfTheJob,
}

/// <summary>The job of a worker.</summary>
/// <param name="Number">Which of the study's jobs.</param>
/// <param name="Answered">The pairs that the worker has answered already.</param>
public sealed record WorkerJob(int Number, IReadOnlySet<int> Answered);

/// <summary>
/// The answers of a study, in an SQLite file in its folder. An answer is on the disk before <see cref="AnswerAsync"/> returns, so that
/// neither a kill nor a power cut loses one that was acknowledged. Any number of threads and processes may use it at once.
/// </summary>
public sealed class AnswerStore : IDisposable
{
    /// <summary>What the file is called in the study's folder.</summary>
    public const string FileName = "answers.sqlite";

    private const int BusySeconds = 60;

    /// <summary>After this time a worker who has not finished no longer counts when jobs are given out.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromHours(1);

    private readonly PairwiseStudy _study;
    private readonly SqliteConnection _connection;
    private readonly SemaphoreSlim _turn = new(1);

    private AnswerStore(PairwiseStudy study, SqliteConnection connection) => (_study, _connection) = (study, connection);

    /// <summary>Opens the answers of a study, or begins them.</summary>
    /// <param name="folder">The study's folder.</param>
    /// <param name="study">The study.</param>
    /// <exception cref="IOException">The file cannot be opened or written.</exception>
    /// <exception cref="InvalidDataException">The file has answers to another study, or is none of SQLite's.</exception>
    public static AnswerStore Open(string folder, PairwiseStudy study) => Guard(folder, path =>
    {
        var connection = Connect(path, SqliteOpenMode.ReadWriteCreate);
        try
        {
            // FULL: each commit waits until it is on the disk.
            Execute(connection, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;");
            using var transaction = connection.BeginTransaction();
            Execute(connection,
                """
                CREATE TABLE IF NOT EXISTS study (fingerprint TEXT NOT NULL) STRICT;
                CREATE TABLE IF NOT EXISTS worker (id TEXT PRIMARY KEY, job INTEGER NOT NULL, begun TEXT NOT NULL) STRICT;
                CREATE TABLE IF NOT EXISTS answer (
                    worker TEXT NOT NULL REFERENCES worker (id),
                    pair INTEGER NOT NULL,
                    choice TEXT NOT NULL CHECK (choice IN ('left', 'right')),
                    shown_ms REAL,
                    decided_ms REAL,
                    answered TEXT NOT NULL,
                    PRIMARY KEY (worker, pair)) STRICT;
                INSERT INTO study SELECT $fingerprint WHERE NOT EXISTS (SELECT * FROM study);
                """,
                ("$fingerprint", Fingerprint(folder)));
            CheckFingerprint(connection, folder);
            transaction.Commit();
            return new AnswerStore(study, connection);
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    });

    /// <summary>Reads all answers of a study, also while it is served.</summary>
    /// <param name="folder">The study's folder.</param>
    /// <returns>Empty when the study has not been served.</returns>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="InvalidDataException">The file has answers to another study, or is none of SQLite's.</exception>
    public static IReadOnlyList<StudyAnswer> ReadAll(string folder)
    {
        if (!File.Exists(Path.Combine(folder, FileName)))
            return [];
        return Guard(folder, path =>
        {
            using var connection = Connect(path, SqliteOpenMode.ReadOnly);
            CheckFingerprint(connection, folder);
            return Query(connection, "SELECT worker, pair, choice, shown_ms FROM answer ORDER BY worker, pair", row => new StudyAnswer(
                row.GetString(0), row.GetInt32(1), row.GetString(2) == "left" ? Side.Left : Side.Right, row.IsDBNull(3) ? null : row.GetDouble(3)));
        });
    }

    /// <summary>Finds a worker's job, or gives a new worker the one that the fewest have.</summary>
    /// <param name="worker">Who.</param>
    public Task<WorkerJob> BeginAsync(string worker) => InTurn(() =>
    {
        using var transaction = _connection.BeginTransaction();
        if (JobOf(worker) is not { } job)
        {
            job = LeastTaken();
            Execute(_connection, "INSERT INTO worker VALUES ($worker, $job, $now)", ("$worker", worker), ("$job", job), ("$now", Now()));
        }
        var answered = Query(_connection, "SELECT pair FROM answer WHERE worker = $worker", row => row.GetInt32(0), ("$worker", worker));
        transaction.Commit();
        return new WorkerJob(job, answered.ToHashSet());
    });

    /// <summary>Saves an answer. The same again is no second one, so that a worker's page may try until it hears.</summary>
    /// <param name="answer">The answer.</param>
    /// <param name="decidedMilliseconds">How long the worker took, from when the pair was shown; null: it was not measured.</param>
    public Task<AnswerOutcome> AnswerAsync(StudyAnswer answer, double? decidedMilliseconds) => InTurn(() =>
    {
        using var transaction = _connection.BeginTransaction();
        if (JobOf(answer.Worker) is not { } job || !_study.Jobs[job].Any(pair => pair.Id == answer.Pair))
            return AnswerOutcome.NotOfTheJob;
        string choice = answer.Choice == Side.Left ? "left" : "right";
        Execute(_connection,
            "INSERT INTO answer VALUES ($worker, $pair, $choice, $shown, $decided, $now) ON CONFLICT (worker, pair) DO NOTHING",
            ("$worker", answer.Worker), ("$pair", answer.Pair), ("$choice", choice), ("$shown", answer.ShownMilliseconds), ("$decided", decidedMilliseconds), ("$now", Now()));
        string saved = Query(_connection, "SELECT choice FROM answer WHERE worker = $worker AND pair = $pair", row => row.GetString(0), ("$worker", answer.Worker), ("$pair", answer.Pair))[0];
        transaction.Commit();
        return saved == choice ? AnswerOutcome.Saved : AnswerOutcome.AnsweredOtherwise;
    });

    /// <summary>How many workers there are, and how many answers.</summary>
    public Task<(int Workers, int Answers)> CountAsync() => InTurn(
        () => Query(_connection, "SELECT (SELECT count(*) FROM worker), (SELECT count(*) FROM answer)", row => (row.GetInt32(0), row.GetInt32(1)))[0]);

    /// <summary>Closes the file.</summary>
    public void Dispose()
    {
        _connection.Dispose();
        _turn.Dispose();
    }

    private int? JobOf(string worker)
        => Query(_connection, "SELECT job FROM worker WHERE id = $worker", row => (int?)row.GetInt32(0), ("$worker", worker)).SingleOrDefault();

    private int LeastTaken()
    {
        string since = Now(-Patience);
        var taken = new int[_study.Jobs.Count];
        var workers = Query(
            _connection,
            "SELECT job, begun, (SELECT count(*) FROM answer WHERE worker = id) FROM worker",
            row => (Job: row.GetInt32(0), Begun: row.GetString(1), Answers: row.GetInt32(2)));
        foreach (var (job, begun, answers) in workers)
        {
            if (answers == _study.Jobs[job].Count || string.CompareOrdinal(begun, since) > 0)
                taken[job]++;
        }
        return Array.IndexOf(taken, taken.Min());
    }

    /// <summary>SQLite writes one transaction at a time; whoever waits here holds no thread.</summary>
    private async Task<T> InTurn<T>(Func<T> work)
    {
        await _turn.WaitAsync();
        try
        {
            return work();
        }
        finally
        {
            _turn.Release();
        }
    }

    private static SqliteConnection Connect(string path, SqliteOpenMode mode)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Mode = mode, Pooling = false, DefaultTimeout = BusySeconds }.ToString());
        connection.Open();
        return connection;
    }

    private static T Guard<T>(string folder, Func<string, T> work)
    {
        string path = Path.Combine(folder, FileName);
        try
        {
            return work(path);
        }
        catch (SqliteException e) when (e.SqliteErrorCode is SQLitePCL.raw.SQLITE_CORRUPT or SQLitePCL.raw.SQLITE_NOTADB or SQLitePCL.raw.SQLITE_ERROR)
        {
            throw new InvalidDataException($"Answers '{path}' are damaged, or no answers of a study: {e.Message}", e);
        }
        catch (SqliteException e)
        {
            throw new IOException($"Answers '{path}' cannot be opened: {e.Message}", e);
        }
    }

    private static void CheckFingerprint(SqliteConnection connection, string folder)
    {
        if (Query(connection, "SELECT fingerprint FROM study", row => row.GetString(0)).FirstOrDefault() != Fingerprint(folder))
        {
            throw new InvalidDataException(
                $"Answers '{Path.Combine(folder, FileName)}' are to another study than {PairwiseStudy.FileName} beside them, or it was changed since. Bring it back as it was, or move the answers away.");
        }
    }

    private static string Fingerprint(string folder) => Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(Path.Combine(folder, PairwiseStudy.FileName))));

    private static string Now(TimeSpan offset = default) => (DateTime.UtcNow + offset).ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture);

    private static void Execute(SqliteConnection connection, string sql, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        using var command = Command(connection, sql, parameters);
        command.ExecuteNonQuery();
    }

    private static List<T> Query<T>(SqliteConnection connection, string sql, Func<SqliteDataReader, T> read, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        using var command = Command(connection, sql, parameters);
        using var row = command.ExecuteReader();
        var result = new List<T>();
        while (row.Read())
            result.Add(read(row));
        return result;
    }

    private static SqliteCommand Command(SqliteConnection connection, string sql, ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        var command = connection.CreateCommand();
        command.CommandText = sql;
        foreach (var (name, value) in parameters)
            command.Parameters.AddWithValue(name, value ?? DBNull.Value);
        return command;
    }
}
