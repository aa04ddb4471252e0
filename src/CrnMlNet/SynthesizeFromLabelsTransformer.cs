using CrnMlNet.Persistence;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace CrnMlNet;

/// <summary>Passes its input on; stands in until the transformer is written.</summary>
public sealed class SynthesizeFromLabelsTransformer : ITransformer
{
    private readonly byte[] _weights;

    internal SynthesizeFromLabelsTransformer(string description, byte[] weights)
    {
        Description = description;
        _weights = weights;
    }

    internal string Description { get; }

    internal int WeightsLength => _weights.Length;

    /// <inheritdoc/>
    public bool IsRowToRowMapper => false;

    /// <inheritdoc/>
    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema) => inputSchema;

    /// <inheritdoc/>
    public IRowToRowMapper GetRowToRowMapper(DataViewSchema inputSchema) => throw new InvalidOperationException("Not a row mapper.");

    /// <inheritdoc/>
    public IDataView Transform(IDataView input) => input;

    void ICanSaveModel.Save(ModelSaveContext ctx) => MLNetInternals.Save(ctx, Description, stream => stream.Write(_weights));

    internal static SynthesizeFromLabelsTransformer Load(IHostEnvironment env, string description, Stream weights)
    {
        var bytes = new byte[weights.Length];
        weights.ReadExactly(bytes);
        return new(description, bytes);
    }
}
