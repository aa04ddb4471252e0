using System.Globalization;
using System.Text.RegularExpressions;
using CrnMlNet.Torch.Networks;
using CrnMlNet.Torch.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Weights;

/// <summary>
/// A network that the authors' code trained (CQFIO/PhotographicImageSynthesis), in the TensorFlow V2 checkpoint that it wrote: one
/// of the four published ones (Cityscapes at 256x512 with nine images, at 512x1024 and at 1024x2048, GTA5 at 256x512), or another
/// of that form. What network it is follows from the names and shapes of its variables; all of them are checked when it is opened.
/// </summary>
/// <remarks>As in the authors' code, the first module works on a cell of 4x8, and images are twice as wide as high.</remarks>
public sealed partial class AuthorsCheckpoint : IDisposable
{
    private const string MeanDecayPower = "beta1_power";
    private const string SquareDecayPower = "beta2_power";
    private const string Mean = "/Adam";
    private const string Square = "/Adam_1";
    private const int BaseRows = 4;
    private const double FeaturesOfFirst = 1024;

    /// <summary>Smaller numbers become zero where TensorFlow computes.</summary>
    private const double SmallestNormal = 1.17549435e-38;

    private readonly TensorFile _file;
    private readonly string _path;
    private readonly IReadOnlyList<AuthorsVariable> _variables;
    private readonly IReadOnlyList<AuthorsVariable> _withMoments;

    /// <summary>Opens a checkpoint.</summary>
    /// <param name="path">Its prefix, such as <c>result_256p/model.ckpt</c>: beside <c>.index</c> lie the <c>.data-00000-of-00001</c>.</param>
    /// <exception cref="FormatException">It is damaged, or of another network; the message names the variable.</exception>
    /// <exception cref="IOException">One of its files is not there or cannot be read.</exception>
    public AuthorsCheckpoint(string path)
    {
        _path = path;
        _file = TensorFile.Open(path);
        try
        {
            Architecture = Derive();
            _variables = AuthorsNames.Of(Architecture);
            foreach (var variable in _variables)
                Check(variable.Name, variable.Shape);
            _withMoments = [.. _variables.Where(variable => _file.Entries.ContainsKey(variable.Name + Mean) || _file.Entries.ContainsKey(variable.Name + Square))];
            CheckMoments();
            CheckNoOthers();
        }
        catch
        {
            _file.Dispose();
            throw;
        }
    }

    /// <summary>What the network looks like.</summary>
    public CrnArchitecture Architecture { get; }

    /// <summary>How many numbers have Adam's moments: all, or those of the modules that the last session trained; 0 for none.</summary>
    public long NumbersWithMoments => _withMoments.Sum(Count);

    /// <summary>Fills a network with the weights.</summary>
    /// <param name="network">A network of <see cref="Architecture"/>.</param>
    /// <param name="read">Is told after each variable how many bytes it had; null: nobody is.</param>
    /// <exception cref="FormatException">A variable is damaged: its CRC differs.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public void ReadInto(CascadedRefinementNetwork network, Action<long>? read = null)
    {
        using var _ = no_grad();
        foreach (var variable in _variables)
        {
            using var scope = NewDisposeScope();
            Read(variable.Name, network.get_parameter(variable.Parameter)!, read);
        }
    }

    /// <summary>Reads where Adam stood. A parameter that the last session did not train is not in it.</summary>
    /// <param name="read">Is told after each variable how many bytes it had; null: nobody is.</param>
    /// <returns>The moments, for the caller to dispose; null where the checkpoint has none.</returns>
    /// <exception cref="FormatException">A variable is damaged.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public AdamState? ReadAdam(Action<long>? read = null)
    {
        if (_withMoments.Count == 0)
            return null;
        long steps = ReadSteps();
        var moments = new Dictionary<string, AdamMoments>();
        var state = new AdamState(moments);
        try
        {
            foreach (var variable in _withMoments)
            {
                var (mean, square) = (NewTensor(variable), NewTensor(variable));
                moments.Add(variable.Parameter, new AdamMoments(mean, square, steps));
                using var scope = NewDisposeScope();
                Read(variable.Name + Mean, mean, read);
                Read(variable.Name + Square, square, read);
            }

            return state;
        }
        catch
        {
            state.Dispose();
            throw;
        }
    }

    /// <summary>Closes the files.</summary>
    public void Dispose() => _file.Dispose();

    private void Read(string name, Tensor target, Action<long>? read)
    {
        _file.ReadInto(name, target.dim() == 4 ? target.permute(2, 3, 1, 0) : target);
        read?.Invoke(target.numel() * sizeof(float));
    }

    private static Tensor NewTensor(AuthorsVariable variable)
    {
        long[] shape = [.. variable.Shape];
        return empty(shape.Length == 4 ? [shape[3], shape[2], shape[0], shape[1]] : shape, ScalarType.Float32, CPU).DetachFromDisposeScope();
    }

    private static long Count(AuthorsVariable variable) => variable.Shape.Aggregate(1L, (product, size) => product * size);

    /// <summary>
    /// The steps of the session that the checkpoint ended. TensorFlow keeps 0.999^(t + 1) after t steps; where that became zero,
    /// t is the least that it can be, which is as good as any: nothing is left to correct.
    /// </summary>
    private long ReadSteps()
    {
        using var scope = NewDisposeScope();
        var scalar = empty([], ScalarType.Float32, CPU);
        _file.ReadInto(SquareDecayPower, scalar);
        double power = scalar.item<float>(), decay = (float)Adam.SquareDecay;
        if (!(power >= 0 && power <= decay))
            throw Fault(string.Create(CultureInfo.InvariantCulture, $"its variable '{SquareDecayPower}' is {power}, and a power of {Adam.SquareDecay} is expected"));
        return (long)Math.Round(Math.Log(Math.Max(power, SmallestNormal)) / Math.Log(decay)) - 1;
    }

    private CrnArchitecture Derive()
    {
        int[] rows = [.. _file.Entries.Keys
            .Select(name => AModulesFirst().Match(name)).Where(match => match.Success)
            .Select(match => int.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture)).Order()];
        if (rows is not [BaseRows, ..])
            throw Fault($"it has no variable '{AuthorsNames.First}'" + (_file.Entries.Values.FirstOrDefault() is { } any ? $"; its first one is {Show(any)}" : ""));
        for (int i = 1; i < rows.Length; i++)
        {
            if (rows[i] != BaseRows << i)
                throw Fault($"it has a module g_{rows[i]}, and none of {BaseRows << i} rows");
        }

        var (first, head) = (Find(AuthorsNames.First), Find($"{AuthorsNames.Head(rows[^1])}/weights"));
        if (first.Shape is not [3, 3, var channels, var features])
            throw Fault($"its variable {Show(first)} is no convolution of 3x3");
        if (head.Shape is not [1, 1, _, var planes] || planes % 3 != 0)
            throw Fault($"its variable {Show(head)} is no convolution of 1x1 to images of three colours");
        var architecture = new CrnArchitecture
        {
            Channels = (int)Math.Min(channels, int.MaxValue),
            Height = rows[^1],
            Width = 2 * rows[^1],
            ImagesPerLayout = (int)Math.Min(planes / 3, int.MaxValue),
            WidthFactor = features / FeaturesOfFirst,
        };
        try
        {
            architecture.Validate();
            return architecture;
        }
        catch (ArgumentOutOfRangeException fault)
        {
            throw Fault($"its variables {Show(first)} and {Show(head)} would make one that there cannot be: {fault.Message.Split('\n')[0]}");
        }
    }

    private void CheckMoments()
    {
        if (_withMoments.Count == 0)
            return;
        Check(MeanDecayPower, []);
        Check(SquareDecayPower, []);
        foreach (var variable in _withMoments)
        {
            Check(variable.Name + Mean, variable.Shape);
            Check(variable.Name + Square, variable.Shape);
        }
    }

    private void CheckNoOthers()
    {
        HashSet<string> known = [MeanDecayPower, SquareDecayPower, .. _variables.SelectMany(variable => new[] { variable.Name, variable.Name + Mean, variable.Name + Square })];
        if (_file.Entries.Values.FirstOrDefault(entry => !known.Contains(entry.Name)) is { } other)
            throw Fault($"it has the variable {Show(other)} besides");
    }

    private void Check(string name, IReadOnlyList<long> shape)
    {
        var entry = Find(name);
        if (!entry.Shape.SequenceEqual(shape))
            throw Fault($"its variable {Show(entry)} is {TensorEntry.Show(shape)} in a network whose '{AuthorsNames.First}' is {TensorEntry.Show(Find(AuthorsNames.First).Shape)}");
        if (entry.DataType != ScalarType.Float32)
            throw Fault($"its variable {Show(entry)} is of type {entry.DataType}, not {ScalarType.Float32}");
    }

    private TensorEntry Find(string name) =>
        _file.Entries.GetValueOrDefault(name) ?? throw Fault($"it lacks the variable '{name}'");

    private FormatException Fault(string what) => new($"The checkpoint '{_path}' is not of a cascaded refinement network as the authors' code saves it: {what}.");

    private static string Show(TensorEntry entry) => $"{TensorEntry.Quote(entry.Name)} {TensorEntry.Show(entry.Shape)}";

    [GeneratedRegex(@"^g_([1-9][0-9]{0,5})_conv1/weights$")]
    private static partial Regex AModulesFirst();
}
