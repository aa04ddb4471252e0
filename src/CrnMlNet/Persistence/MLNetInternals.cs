using System.IO.Compression;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;
using CrnMlNet;
using CrnMlNet.Persistence;
using CrnMlNet.Torch.Training;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

[assembly: IgnoresAccessChecksTo("Microsoft.ML.Core")]
[assembly: IgnoresAccessChecksTo("Microsoft.ML.Data")]

[assembly: LoadableClass(typeof(SynthesizeFromLabelsTransformer), typeof(MLNetInternals), null, typeof(SignatureLoadModel),
    "Synthesize from labels", MLNetInternals.LoaderSignature)]

namespace CrnMlNet.Persistence;

/// <summary>
/// The one file that uses what ML.NET keeps internal: the environment behind a catalog, schema shapes, and the model format.
/// ML.NET offers no public way to save a transformer that has state (dotnet/machinelearning#4911, #6839).
/// </summary>
/// <remarks>
/// Whatever uses this class comes through <see cref="GetEnvironment(TransformsCatalog)"/> or, when a model is loaded, <see cref="Create"/>;
/// both check first that the ML.NET that is loaded has all that this file uses.
/// </remarks>
internal static class MLNetInternals
{
    /// <summary>The name under which ML.NET finds <see cref="Create"/>; at most 24 characters.</summary>
    internal const string LoaderSignature = "CrnSynthesize";

    private const string DescriptionEntry = "Model.json";
    private const string WeightsEntry = "weights.safetensors";
    private const string OptimizerEntry = "optimizer.safetensors";
    private const string ChecksumsEntry = "SHA256SUMS";
    private const int LargestDescription = 16 << 20;
    private const int LargestChecksums = 1 << 16;

    private static readonly Lazy<string?> Incompatibility = new(FindIncompatibility);

    /// <summary>The environment of the <see cref="MLContext"/> that <paramref name="catalog"/> belongs to.</summary>
    /// <exception cref="ArgumentNullException"><paramref name="catalog"/> is null.</exception>
    /// <exception cref="InvalidOperationException">The loaded ML.NET lacks something that CrnMlNet uses.</exception>
    internal static IHostEnvironment GetEnvironment(TransformsCatalog catalog)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        EnsureCompatible();
        return EnvironmentOf(catalog);
    }

    /// <summary>The environment of the <see cref="MLContext"/> that <paramref name="catalog"/> belongs to.</summary>
    /// <exception cref="ArgumentNullException"><paramref name="catalog"/> is null.</exception>
    /// <exception cref="InvalidOperationException">The loaded ML.NET lacks something that CrnMlNet uses.</exception>
    internal static IHostEnvironment GetEnvironment(ModelOperationsCatalog catalog)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        EnsureCompatible();
        return EnvironmentOf(catalog);
    }

    /// <summary>The GPU that the user chose with <see cref="MLContext.GpuDeviceId"/>, or null.</summary>
    internal static int? GpuDeviceId(IHostEnvironment env) => (env as IHostEnvironmentInternal)?.GpuDeviceId;

    /// <summary>Whether the user allows the CPU where the GPU fails: <see cref="MLContext.FallbackToCpu"/>, false unless set.</summary>
    internal static bool FallbackToCpu(IHostEnvironment env) => (env as IHostEnvironmentInternal)?.FallbackToCpu ?? false;

    /// <summary>The seed that the <see cref="MLContext"/> was made with, or null.</summary>
    internal static int? Seed(IHostEnvironment env) => (env as IHostEnvironmentInternal)?.Seed;

    /// <summary>The folder for temporary files: <see cref="MLContext.TempFilePath"/>, or the system's.</summary>
    internal static string TempFilePath(IHostEnvironment env) => (env as IHostEnvironmentInternal)?.TempFilePath ?? Path.GetTempPath();

    /// <summary>Stops work that ML.NET was asked to cancel (AutoML cancels trials). Not for scoring: a trial's model outlives it.</summary>
    /// <exception cref="OperationCanceledException">The context of <paramref name="env"/> was cancelled.</exception>
    internal static void CheckAlive(IHostEnvironment env) => env.CheckAlive();

    /// <summary>The shape of <paramref name="schema"/>: its visible columns with their annotations.</summary>
    internal static SchemaShape CreateShape(DataViewSchema schema) => SchemaShape.Create(schema);

    /// <summary>A column of a schema shape. A key column has its values' type as <paramref name="itemType"/>.</summary>
    internal static SchemaShape.Column CreateColumn(
        string name, SchemaShape.Column.VectorKind kind, DataViewType itemType, bool isKey = false, SchemaShape? annotations = null)
        => new(name, kind, itemType, isKey, annotations);

    /// <summary>Finds the column called <paramref name="name"/> in <paramref name="shape"/>.</summary>
    internal static bool TryFindColumn(SchemaShape shape, string name, out SchemaShape.Column column)
        => shape.TryFindColumn(name, out column);

    /// <summary>The type of <paramref name="column"/> as ML.NET writes it in messages, such as <c>Vector&lt;Byte&gt;</c>.</summary>
    internal static string TypeString(SchemaShape.Column column) => column.GetTypeString();

    /// <summary>ML.NET's own exception for a column that is missing; to be thrown by the caller.</summary>
    internal static Exception SchemaMismatch(IExceptionContext context, string parameter, string role, string column)
        => context.ExceptSchemaMismatch(parameter, role, column);

    /// <summary>ML.NET's own exception for a column of the wrong type; to be thrown by the caller.</summary>
    internal static Exception SchemaMismatch(
        IExceptionContext context, string parameter, string role, string column, string expectedType, string actualType)
        => context.ExceptSchemaMismatch(parameter, role, column, expectedType, actualType);

    /// <summary>Writes a transformer into an ML.NET model: its description in JSON, its weights, of any length, and where its optimizer stood, if that is known.</summary>
    internal static void Save(ModelSaveContext ctx, string description, Action<Stream> writeWeights, Action<Stream>? writeOptimizer)
    {
        ctx.CheckAtModel();
        ctx.SetVersionInfo(GetVersionInfo());
        var checksums = SaveEntry(ctx, DescriptionEntry, stream => stream.Write(Encoding.UTF8.GetBytes(description)))
            + SaveEntry(ctx, WeightsEntry, writeWeights)
            + (writeOptimizer is null ? "" : SaveEntry(ctx, OptimizerEntry, writeOptimizer));
        ctx.SaveBinaryStream(ChecksumsEntry, writer => writer.Write(Encoding.UTF8.GetBytes(checksums)));
    }

    /// <summary>Writes an entry; gives its line as <c>sha256sum</c> writes it.</summary>
    private static string SaveEntry(ModelSaveContext ctx, string name, Action<Stream> write)
    {
        using var sha256 = SHA256.Create();
        ctx.SaveBinaryStream(name, writer =>
        {
            using var hashed = new CryptoStream(writer.BaseStream, sha256, CryptoStreamMode.Write, leaveOpen: true);
            write(hashed);
        });
        return $"{Convert.ToHexStringLower(sha256.Hash!)}  {name}\n";
    }

    /// <summary>Called by ML.NET, by its name, for a model whose header has <see cref="LoaderSignature"/>.</summary>
    /// <exception cref="FormatException">The model is damaged, or of a later version.</exception>
    private static SynthesizeFromLabelsTransformer Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        EnsureCompatible();
        return Load(env, ctx);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static SynthesizeFromLabelsTransformer Load(IHostEnvironment env, ModelLoadContext ctx)
    {
        ctx.CheckAtModel(GetVersionInfo());
        var part = new Part(ctx.Repository, ctx.Directory);
        var checksums = ReadChecksums(env, part);
        var model = SynthesisModel.FromJson(ReadDescription(env, part, checksums));
        if (GpuDeviceId(env) is null)
            model.CheckMemory();
        using var weights = OpenEntry(env, part, WeightsEntry, model.LargestWeights);
        Verify(env, part, WeightsEntry, weights.Stream, checksums);
        return SynthesizeFromLabelsTransformer.Load(env, model, weights.Stream, ctx.Directory);
    }

    /// <summary>
    /// Reads where the optimizer of a model stood. Loading a model leaves that aside, because it is twice as large as the weights
    /// and of use for training only.
    /// </summary>
    /// <param name="env">The environment.</param>
    /// <param name="path">The model file.</param>
    /// <param name="directory">Where in it the transformer is.</param>
    /// <param name="largest">The most bytes that it can have.</param>
    /// <param name="read">Reads it.</param>
    /// <returns>Null where the model does not have it.</returns>
    /// <exception cref="FormatException">It is damaged.</exception>
    internal static AdamState? ReadOptimizer(IHostEnvironment env, string path, string? directory, long largest, Func<Stream, AdamState> read)
    {
        using var file = File.OpenRead(path);
        using var repository = RepositoryReader.Open(file, env);
        var part = new Part(repository, directory);
        if (TryOpenEntry(env, part, OptimizerEntry, largest) is not { } optimizer)
            return null;
        using (optimizer)
        {
            Verify(env, part, OptimizerEntry, optimizer.Stream, ReadChecksums(env, part));
            return read(optimizer.Stream);
        }
    }

    /// <summary>A transformer's directory in a model file.</summary>
    private sealed record Part(RepositoryReader Repository, string? Directory);

    // .NET does not check the CRC of a zip's entries, so a changed byte in the weights would go unnoticed. A model without
    // the checksums, as CrnMlNet first wrote them, is not checked.
    private static string ReadChecksums(IHostEnvironment env, Part part)
    {
        if (TryOpenEntry(env, part, ChecksumsEntry, LargestChecksums) is not { } entry)
            return "";
        using (entry)
            return new StreamReader(entry.Stream, Encoding.UTF8).ReadToEnd();
    }

    private static void Verify(IHostEnvironment env, Part part, string name, Stream entry, string checksums)
    {
        if (checksums.Length == 0)
            return;
        var line = $"{Convert.ToHexStringLower(SHA256.HashData(entry))}  {name}";
        entry.Position = 0;
        if (!checksums.Split('\n').Contains(line))
            throw env.Process(new FormatException(
                $"The model's '{name}' in '{part.Directory}' is damaged: it is not what was saved (its checksum differs). Copy or save the model again."));
    }

    private static string ReadDescription(IHostEnvironment env, Part part, string checksums)
    {
        using var entry = OpenEntry(env, part, DescriptionEntry, LargestDescription);
        Verify(env, part, DescriptionEntry, entry.Stream, checksums);
        using var reader = new StreamReader(entry.Stream, Encoding.UTF8);
        return reader.ReadToEnd();
    }

    private static Repository.Entry OpenEntry(IHostEnvironment env, Part part, string name, long largest)
        => TryOpenEntry(env, part, name, largest) ?? throw env.Process(new FormatException(
            $"The model has no '{name}' in '{part.Directory}': the file is damaged or was not written by CrnMlNet. Save the model again."));

    // ML.NET unpacks an entry into a temporary file, so its stream is seekable, and deletes the file when it has loaded the model.
    // Never more is unpacked than the zip declares, so what it declares is checked first.
    private static Repository.Entry? TryOpenEntry(IHostEnvironment env, Part part, string name, long largest)
    {
        try
        {
            CheckLength(env, part, name, DeclaredLength(part, name), largest);
            var entry = part.Repository.OpenEntryOrNull(part.Directory, name);
            CheckLength(env, part, name, entry?.Stream.Length, largest);
            return entry;
        }
        catch (InvalidDataException exception)
        {
            throw env.Process(new FormatException($"The model's '{name}' in '{part.Directory}' is damaged: {exception.Message}", exception));
        }
    }

    private static void CheckLength(IHostEnvironment env, Part part, string name, long? length, long largest)
    {
        if (length > largest)
            throw env.Process(new FormatException(
                $"The model's '{name}' in '{part.Directory}' has {length:N0} bytes, more than the {largest:N0} that it may have: the file is damaged."));
    }

    /// <summary>The bytes that an entry unpacks to as the zip has it, or null: where there is none, or ML.NET no longer keeps the zip's entries as it did.</summary>
    private static long? DeclaredLength(Part part, string name)
    {
        // Private, so it may go without notice: then an entry is checked when it has been unpacked.
        var field = typeof(RepositoryReader).GetField("_entries", BindingFlags.Instance | BindingFlags.NonPublic);
        if (field?.GetValue(part.Repository) is not Dictionary<string, ZipArchiveEntry> entries)
            return null;
        var path = Path.Combine(part.Directory ?? "", name);
        return entries.TryGetValue(path, out var entry) || entries.TryGetValue(path.Replace('/', '\\'), out entry) ? entry.Length : null;
    }

    private static VersionInfo GetVersionInfo() => new(
        modelSignature: "CRNSYNTH",
        verWrittenCur: 0x00010001,
        verReadableCur: 0x00010001,
        verWeCanReadBack: 0x00010001,
        loaderAssemblyName: typeof(MLNetInternals).Assembly.FullName,
        loaderSignature: LoaderSignature);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static IHostEnvironment EnvironmentOf(TransformsCatalog catalog) => catalog.GetEnvironment();

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static IHostEnvironment EnvironmentOf(ModelOperationsCatalog catalog) => catalog.GetEnvironment();

    private static void EnsureCompatible()
    {
        if (Incompatibility.Value is { } problem)
            throw new InvalidOperationException(problem);
    }

    // Compiling a method looks up every member that it uses, so compiling all of this file finds whatever ML.NET no longer has.
    private static string? FindIncompatibility()
    {
        const BindingFlags Declared = BindingFlags.Static | BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;
        try
        {
            foreach (var type in typeof(MLNetInternals).GetNestedTypes(Declared).Prepend(typeof(MLNetInternals)))
                foreach (var method in type.GetMethods(Declared))
                    RuntimeHelpers.PrepareMethod(method.MethodHandle);
            return null;
        }
        catch (Exception exception) when (exception is MemberAccessException or TypeLoadException)
        {
            var assembly = typeof(MLNetInternals).Assembly;
            var builtFor = assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == "Microsoft.ML").Value;
            return $"CrnMlNet {VersionOf(assembly)} was built for Microsoft.ML {builtFor}, but Microsoft.ML {VersionOf(typeof(MLContext).Assembly)} is loaded, "
                + $"which lacks something that CrnMlNet needs ({exception.Message.TrimEnd('.')}): "
                + $"reference Microsoft.ML {builtFor}, or a CrnMlNet that was built for your Microsoft.ML.";
        }
    }

    private static string VersionOf(Assembly assembly)
        => assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "of unknown version";
}
